import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIFE } from '../../src/lifeline.js';
import { until, world } from './support.js';

const USUAL = { ...LIFE };

/** Shorter times for one test. @param {import('node:test').TestContext} t @param {Partial<typeof LIFE>} times */
function live(t, times) {
	Object.assign(LIFE, times);
	t.after(() => Object.assign(LIFE, USUAL));
}

/** @param {import('./support.js').World} w */
const logins = (w) => w.whatsapp.happenings.filter(({ what }) => what === 'online').length;

test('a probe is answered by a living server', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	const [answer, other] = await Promise.all([
		w.ask(id, { opaque: 'p', kind: 'probe' }),
		w.ask(id, { opaque: 'q', kind: 'probe' })
	]);

	assert.deepEqual([answer.status, answer.wa_id, other.status], [200, '', 200]);
	assert.ok(answer.ms < 1000);
	assert.equal(logins(w), 1);
});

test('a probe that nobody answers ends the line, which comes back at once', async (t) => {
	live(t, { answer: 200, goodbye: 50 });
	for (const how of /** @type {const} */ (['silent', 'dead'])) {
		await t.test(how, async (t) => {
			const w = await world(t);
			await w.bridge();
			const id = await w.linked();
			w.whatsapp.cut(how);

			const answer = await w.ask(id, { opaque: 'p', kind: 'probe' });

			assert.deepEqual([answer.status, answer.error], [504, 'unknown']);
			await until(() => logins(w) === 2, 'the return');
			await w.state(id, 'open');
			const row = await w.event(({ state }) => state === 'backoff', 'backoff');
			assert.deepEqual([row.code, row.reason], [408, 'timed_out']);
			assert.equal((await w.ask(id, { opaque: 'p', kind: 'probe' })).status, 200);
		});
	}
});

test('a probe goes past texts that wait in vain; a closed session has none', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();
	w.whatsapp.faults.failSends({ error: null, isDelivered: false });
	const text = w.ask(id, { opaque: 'a', kind: 'text', chat: w.ada.jid('lid'), text: 'No answer comes' });
	await until(() => w.whatsapp.faults.acks[0].times === 0, 'the text');

	const answer = await w.ask(id, { opaque: 'p', kind: 'probe' });
	w.whatsapp.cut('drop');

	assert.equal(answer.status, 200);
	assert.deepEqual([(await text).status, (await text).error], [504, 'unknown']);
	const closed = await w.session();
	await w.pairing(closed);
	const refused = await w.ask(closed, { opaque: 'p', kind: 'probe' });
	assert.deepEqual([refused.status, refused.error, refused.detail], [409, 'not_open', 'pairing']);
});

test('a line that died without a word is noticed and comes back', async (t) => {
	live(t, { ping: 100, silent: 400, look: 50, goodbye: 50 });
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();
	await new Promise((resolve) => setTimeout(resolve, 250));

	w.whatsapp.cut('dead');
	const start = Date.now();
	await until(() => logins(w) === 2, 'the return');

	assert.ok(Date.now() - start < 3000);
	await w.state(id, 'open');
	await w.customerWrites('Are you back?');
	await w.event(({ text }) => text === 'Are you back?', 'the message');
});

test('a living line is never cut, and idle ones hold no more than one question', async (t) => {
	live(t, { ping: 50, silent: 250, look: 20 });
	const w = await world(t);
	await w.bridge();
	await w.linked();

	await new Promise((resolve) => setTimeout(resolve, 600));

	assert.equal(logins(w), 1);
});

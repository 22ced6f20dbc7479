/** Ends in the midst of reading a message: between its keys, the disk and the receipt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Events } from '../../src/events.js';
import { until, world } from './support.js';

/**
 * The process ends when it is about to put this text on the disk.
 *
 * @param {import('node:test').TestContext} t
 * @param {import('../../src/bridge.js').Bridge} bridge
 * @param {string} id
 * @param {string} text
 */
function killAt(t, bridge, id, text) {
	const { tell } = Events.prototype;
	t.after(() => (Events.prototype.tell = tell));
	return new Promise((resolve) => {
		Events.prototype.tell = function (/** @type {import('../../src/events.js').News} */ news, /** @type {boolean | undefined} */ mustLast) {
			if (news.text !== text) {
				tell.call(this, news, mustLast);
				return;
			}
			Events.prototype.tell = tell;
			bridge.sessions?.get(id)?.drop();
			resolve(undefined);
		};
	});
}

/**
 * The line closes when the keys of a session are being written.
 *
 * @param {import('../../src/bridge.js').Bridge} bridge
 * @param {() => void} cut
 */
function cutAtWrite(bridge, cut) {
	const pool = /** @type {any} */ (bridge.pool);
	const query = pool.query.bind(pool);
	pool.query = async (/** @type {string} */ text, /** @type {any[]} */ values) => {
		const result = await query(text, values);
		if (/insert into connections_linkedkey/.test(text) && values.some((one) => Array.isArray(one) && one.includes('session'))) {
			pool.query = query;
			cut();
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return result;
	};
}

test('a kill or a cut while a message is read loses nothing, whoever wrote', async (t) => {
	const w = await world(t);
	const bola = w.whatsapp.people.addCustomer('2348090000001', 'Bola');
	const first = await w.bridge();
	const id = await w.linked();

	let killed = killAt(t, first, id, 'First of all');
	await w.customerWrites('First of all');
	await killed;
	await first.stop();
	const second = await w.bridge();
	const { chat } = await w.event(({ text }) => text === 'First of all', 'the first message');
	// Their phone knows by the answer that there is a session.
	await w.ask(id, { opaque: 'a', kind: 'text', chat, text: 'We are here' });
	await until(() => w.ada.received.length > 0, 'the answer');

	killed = killAt(t, second, id, 'Then this');
	await w.customerWrites('Then this');
	await killed;
	await second.stop();
	const third = await w.bridge();
	await w.event(({ text }) => text === 'Then this', 'the second message');
	await w.state(id, 'open');

	cutAtWrite(third, () => w.whatsapp.cut('drop'));
	await w.whatsapp.toDevices.customerWrites(bola, w.shop, { text: 'From another one' });
	await w.event(({ text }) => text === 'From another one', 'the message on the line that was cut');

	assert.ok(!w.told.events.some(({ type }) => type === 'undecryptable'));
	const texts = w.told.events.filter(({ type }) => type === 'message').map(({ text }) => text);
	assert.deepEqual(texts, ['First of all', 'Then this', 'From another one']);
});

/** What is kept, for how long, and what is made of it after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node } from '../../fake_whatsapp/nodes.js';
import { UNREAD } from '../../src/hearing.js';
import { waIdOf } from '../../src/our_ids.js';
import { QUESTIONS } from '../../src/sockets.js';
import { until, world } from './support.js';

test('a customer that asks for a text again after a restart gets it, though nobody says which devices there are', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	const id = await w.linked();
	const { wa_id: waId } = await w.ask(id, { opaque: 'a', kind: 'text', chat: w.ada.jid('lid'), text: 'Once more' });
	await until(() => w.ada.received[0], 'the text');
	await first.stop();
	const usual = { ...QUESTIONS };
	QUESTIONS.answerMs = 300;
	t.after(() => Object.assign(QUESTIONS, usual));
	w.whatsapp.desk.changeQuirks({ unanswered: ['usync usync'] });
	await w.bridge();
	await w.event(({ state }) => state === 'open', 'the opening');
	await until(() => w.whatsapp.connections.size === 1, 'the return');

	w.whatsapp.fromDevices.askAgain(w.ada, w.shop.devices.get(1), waId, w.ada.jid('lid'));

	await until(() => w.ada.received[0].copies === 2, 'the same text again');
	assert.deepEqual([w.ada.received.length, w.ada.received[0].text], [1, 'Once more']);
});

test('what was sent is forgotten after 14 days', async (t) => {
	const w = await world(t);
	const id = await w.session({ wanted: 'off', state: 'off' });
	for (const days of [1, 13, 15, 400]) {
		await w.pool.query(
			`insert into connections_linkedsent (session_id, wa_id, opaque, message, created_at)
			values ($1, $2, 'o', '', now() - make_interval(days => $3))`,
			[id, `after ${days}`, days]
		);
	}

	await w.bridge();

	const left = async () => (await w.pool.query('select wa_id from connections_linkedsent order by created_at')).rows.map(({ wa_id: waId }) => waId);
	await until(async () => (await left()).length < 4, 'the sweep');
	assert.deepEqual(await left(), ['after 13', 'after 1']);
});

test('a process that is too big hands over and ends; a young one does not', async (t) => {
	const w = await world(t);
	const young = await w.process({ BRIDGE_MAX_RSS_MB: '150', NODE_OPTIONS: FILLED });
	const id = await w.linked();
	const next = await w.process();

	const old = await w.process({ BRIDGE_MAX_RSS_MB: '150', BRIDGE_MIN_AGE_SECONDS: '1', NODE_OPTIONS: FILLED });
	young.child.kill('SIGTERM');
	await young.exit;
	await until(async () => [next.owner, old.owner].includes((await w.row(id)).owner), 'another owner');

	assert.equal(await old.exit, 0);
	assert.ok(old.output.includes('"why":"memory"'));
	assert.ok(!young.output.includes('"why":"memory"'));
	await until(async () => (await w.row(id)).owner === next.owner, 'the one that stays');
	await w.state(id, 'open');
});

/** Takes 150 MB before anything else. */
const FILLED = `--import data:text/javascript,globalThis.filled=Buffer.alloc(150e6,1)`;

test("WhatsApp's limits are told", async (t) => {
	const w = await world(t);
	await w.bridge();
	await w.linked();
	const end = Math.floor(Date.now() / 1000) + 86_400;

	w.whatsapp.desk.changeAccount(w.shop.phone, { lockedUntil: end });
	const reachout = await w.event(({ kind }) => kind === 'reachout', 'the time-lock');
	w.whatsapp.desk.capChats(w.shop.phone, { used: 9, total: 10 });
	const capping = await w.event(({ kind }) => kind === 'capping', 'the warning');

	assert.deepEqual([reachout.type, Date.parse(reachout.until), reachout.detail], ['limit', end * 1000, 'DEFAULT']);
	assert.deepEqual([capping.type, capping.until, capping.detail], ['limit', null, 'FIRST_WARNING']);
	w.whatsapp.desk.changeAccount(w.shop.phone, { lockedUntil: null });
	w.whatsapp.desk.capChats(w.shop.phone, { used: 10, total: 10 });
	await w.event(({ detail }) => detail === 'CAPPED', 'the end of the quota');
	assert.equal(w.told.events.filter(({ kind }) => kind === 'reachout').length, 1);
});

test('an own message that cannot be read is told as one, unless it comes again', async (t) => {
	const usual = UNREAD.ownAfterMs;
	UNREAD.ownAfterMs = 700;
	t.after(() => (UNREAD.ownAfterMs = usual));
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	w.whatsapp.faults.garble(w.shop.phone, 1);
	await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'Readable in the end' });
	const read = await w.event(({ text }) => text === 'Readable in the end', 'the text');
	w.whatsapp.faults.garble(w.shop.phone, 20);
	const echoes = [waIdOf(id, 'a'), waIdOf(id, 'b')];
	const attrs = { from: w.shop.jid('lid'), recipient: w.ada.jid('lid'), id: echoes[0], t: '1790000000' };
	[...w.whatsapp.connections][0].send(node('message', attrs, [node('enc', { v: 2, type: 'msg' }, Buffer.alloc(80, 1))]));
	const lost = await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'Never readable' });
	const told = await w.event(({ wa_id: waId }) => waId === lost.id, 'that something was written');

	assert.equal(read.type, 'own_message');
	assert.deepEqual([told.type, told.kind, told.text, told.chat], ['own_message', 'unsupported', null, w.ada.jid('lid')]);
	assert.equal(told.id, `o:${id}:${w.ada.jid('lid')}:${lost.id}`);
	assert.equal(w.told.events.filter(({ wa_id: waId }) => waId === read.wa_id).length, 1);
	assert.ok(!w.told.events.some(({ type }) => type === 'undecryptable'));
	w.whatsapp.faults.calm();
	await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'Another echo', id: echoes[1] });
	await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'And this again' });
	await w.event(({ text }) => text === 'And this again', 'the text after it');
	assert.ok(!w.told.events.some(({ wa_id: waId }) => echoes.includes(waId)));
});

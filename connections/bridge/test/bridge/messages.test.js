import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proto } from 'baileys';
import { waIdOf } from '../../src/our_ids.js';
import { SECRET, lines, pause, until, world } from './support.js';
import { sign } from '../../src/signatures.js';

test("a customer's message is told with text, both addresses and name", async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	const sent = await w.customerWrites('Do you deliver?');
	const event = await w.event(({ text }) => text === 'Do you deliver?', 'message');

	const { at, sent_at: sentAt, ...rest } = event;
	assert.deepEqual(rest, {
		id: `m:${id}:${w.ada.jid('lid')}:${sent.id}`,
		session: id,
		type: 'message',
		wa_id: sent.id,
		chat: w.ada.jid('lid'),
		lid: w.ada.jid('lid'),
		phone: `+${w.ada.phone}`,
		name: 'Ada',
		kind: 'text',
		reply_to: null,
		text: 'Do you deliver?',
		is_offline: false
	});
	assert.match(at, /^\d{4}-.*Z$/);
	assert.match(sentAt, /^\d{4}-.*Z$/);
	assert.ok(!lines.join('').includes('deliver?'));
});

test('an answer is read by the customer; its statuses are told; a repetition changes nothing', async (t) => {
	const w = await world(t);
	await w.bridge({ BRIDGE_TYPING_MS: '50' });
	const id = await w.linked();
	const sent = await w.customerWrites('Hello');
	const { chat, wa_id: waId } = await w.event(({ text }) => text === 'Hello', 'message');

	const request = { opaque: 'out-1', kind: 'text', chat, text: 'Good day', reply_to: waId };
	const answer = await w.ask(id, request);
	const read = await until(() => w.ada.received[0], 'the answer');
	const again = await w.ask(id, request);
	w.whatsapp.desk.confirm(w.ada.phone, { account: w.shop.phone, type: 'read' });

	assert.equal(answer.status, 200);
	assert.equal(answer.wa_id, waIdOf(id, 'out-1'));
	assert.equal(again.wa_id, answer.wa_id);
	assert.equal(read.id, answer.wa_id);
	assert.equal(read.text, 'Good day');
	assert.equal(read.replyTo, sent.id);
	assert.ok(w.ada.typing[w.shop.phone]);
	for (const status of ['sent', 'delivered', 'read']) {
		const event = await w.event((one) => one.type === 'status' && one.status === status, status);
		assert.deepEqual([event.opaque, event.wa_id], ['out-1', answer.wa_id]);
	}
	await until(() => sent.receipts.some(({ type }) => type === 'read'), 'our read receipt');
	assert.ok(!lines.join('').includes('Good day'));
});

test('who writes on and on while answers go out to them can read each of them at once', async (t) => {
	const w = await world(t);
	await w.bridge({ BRIDGE_TEXTS_PER_MINUTE: '10000' });
	const id = await w.linked();
	const count = 60;
	/** @type {any[]} */
	const garbled = [];
	w.whatsapp.on('happening', (/** @type {any} */ { what, about }) => what === 'customer-cannot-read' && garbled.push(about));
	const answers = [];

	for (let n = 0; n < count; n += 1) {
		await w.customerWrites(`Question ${n}`);
		answers.push(
			w
				.event(({ text }) => text === `Question ${n}`, `question ${n}`)
				.then(({ chat }) => w.ask(id, { opaque: `out-${n}`, kind: 'text', chat, text: `Answer ${n}` }))
		);
		if (n % 6 === 5) {
			await Promise.all(answers.splice(0));
		}
	}
	await Promise.all(answers);
	await until(() => w.ada.received.length >= count, 'every answer');

	const texts = w.ada.received.map((/** @type {any} */ { text }) => text);
	assert.equal(new Set(texts).size, count);
	assert.ok(texts.every((/** @type {string} */ text) => /^Answer \d+$/.test(text)));
	assert.deepEqual(garbled, []);
});

test('the first word can be ours, but not to a number without WhatsApp', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	const taken = await w.ask(id, { opaque: 'a', kind: 'text', phone: `+${w.ada.phone}`, text: 'Your order is here' });
	const none = await w.ask(id, { opaque: 'b', kind: 'text', phone: '+2340000000001', text: 'Hello' });
	const invalid = await w.ask(id, { opaque: 'c', kind: 'text', phone: 'nobody', text: 'Hello' });

	assert.equal(taken.status, 200);
	assert.equal((await until(() => w.ada.received[0], 'the message')).text, 'Your order is here');
	assert.deepEqual([none.status, none.error], [422, 'no_whatsapp']);
	assert.deepEqual([invalid.status, invalid.error], [400, 'invalid']);
});

test('a refusal of WhatsApp is answered and told with its code; 479 is tried once more', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	w.whatsapp.faults.failSends({ error: 463 });
	const refused = await w.ask(id, { opaque: 'a', kind: 'text', chat: w.ada.jid('lid'), text: 'Refused' });
	w.whatsapp.faults.failSends({ error: 479 });
	const taken = await w.ask(id, { opaque: 'b', kind: 'text', chat: w.ada.jid('lid'), text: 'Taken' });

	assert.deepEqual([refused.status, refused.error, refused.code], [422, 'refused', 463]);
	const event = await w.event(({ status }) => status === 'failed', 'failed');
	assert.deepEqual([event.opaque, event.code], ['a', 463]);
	assert.equal(taken.status, 200);
	assert.deepEqual((await until(() => w.ada.received[0] && w.ada.received, 'the text')).map((/** @type {any} */ one) => one.text), ['Taken']);
});

test('a customer that cannot read a message gets it again, even after a restart', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	const id = await w.linked();
	const { wa_id: waId } = await w.ask(id, { opaque: 'a', kind: 'text', chat: w.ada.jid('lid'), text: 'Once more' });
	await until(() => w.ada.received[0], 'the message');
	const session = first.sessions?.get(id);

	const kept = await session?.store.sent(waId);

	assert.equal(kept?.opaque, 'a');
	assert.equal(proto.Message.decode(/** @type {Buffer} */ (kept?.message)).extendedTextMessage?.text, 'Once more');
	assert.equal(await session?.store.sent('3EB0UNKNOWN'), undefined);
	w.ada.unreadable = 1;
	await w.ask(id, { opaque: 'b', kind: 'text', chat: w.ada.jid('lid'), text: 'Unreadable at first' });
	const again = await until(() => w.ada.received[1], 'the second try');
	assert.equal(again.text, 'Unreadable at first');
});

test('what the owner writes on the phone is told as its own kind', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();

	const sent = await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'I take this one' });
	const event = await w.event(({ text }) => text === 'I take this one', 'own message');

	assert.equal(event.type, 'own_message');
	assert.equal(event.id, `o:${id}:${event.chat}:${sent.id}`);
	assert.equal(event.phone, `+${w.ada.phone}`);
	assert.equal(event.lid, w.ada.jid('lid'));
});

test('a message that cannot be read is told, asked for again, and told then', async (t) => {
	const w = await world(t);
	await w.bridge();
	await w.linked();
	w.whatsapp.faults.garble(w.shop.phone);

	const sent = await w.customerWrites('Can you read this?');
	const event = await w.event(({ type }) => type === 'undecryptable', 'undecryptable');
	const message = await w.event(({ text }) => text === 'Can you read this?', 'message');

	assert.equal(event.wa_id, sent.id);
	assert.equal(message.wa_id, sent.id);
});

test('what came while no bridge was there is told in order, as offline', async (t) => {
	const w = await world(t);
	const first = await w.bridge();
	await w.linked();
	await first.stop();
	for (let number = 1; number <= 12; number++) {
		await w.customerWrites(`Question ${number}`);
	}

	await w.bridge();
	await w.event(({ text }) => text === 'Question 12', 'the last question');

	const late = w.told.events.filter(({ text }) => text?.startsWith('Question'));
	assert.deepEqual(late.map(({ text }) => text), late.map((_, index) => `Question ${index + 1}`));
	assert.ok(late.every(({ is_offline: isOffline }) => isOffline));
});

test('nothing of before the linking is told, nor what groups say', async (t) => {
	const w = await world(t);
	await w.customerWrites('Old question');
	await w.bridge();
	await w.linked();

	await w.customerWrites('New question');
	await w.event(({ text }) => text === 'New question', 'message');

	const told = w.told.events.filter(({ type }) => type !== 'state' && type !== 'lid_mapping');
	assert.deepEqual(told.map(({ text }) => text), ['New question']);
});

test('read and typing reach the customer', async (t) => {
	const w = await world(t);
	await w.bridge();
	const id = await w.linked();
	const sent = await w.customerWrites('Hello');
	const { chat, wa_id: waId } = await w.event(({ text }) => text === 'Hello', 'message');

	const typing = await w.ask(id, { opaque: 't', kind: 'typing', chat });
	const read = await w.ask(id, { opaque: 'r', kind: 'read', chat, message_id: waId });

	assert.deepEqual([typing.status, read.status], [200, 200]);
	await until(() => w.ada.typing[w.shop.phone], 'typing');
	await until(() => sent.receipts.some(({ type }) => type === 'read'), 'the read receipt');
});

test('nobody but Backroom may ask; a session that is not here or not open is said', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const id = await w.session();
	await w.pairing(id);
	const text = JSON.stringify({ opaque: 'a', kind: 'typing', chat: w.ada.jid('lid') });
	const old = sign(SECRET, text, Math.floor(Date.now() / 1000) - 400);

	const unsigned = await w.ask(id, JSON.parse(text), 't=1,v1=00');
	const late = await w.ask(id, JSON.parse(text), old);
	const closed = await w.ask(id, JSON.parse(text));
	const elsewhere = await w.session({ owner_url: bridge.url, lease_until: new Date(Date.now() + 60_000) });
	const other = await w.ask(elsewhere, JSON.parse(text));
	const health = /** @type {any} */ (await (await fetch(`${bridge.url}/health`)).json());

	assert.deepEqual([unsigned.status, unsigned.error], [401, 'unsigned']);
	assert.equal(late.status, 401);
	assert.deepEqual([closed.status, closed.error, closed.detail], [409, 'not_open', 'pairing']);
	assert.deepEqual([other.status, other.error], [404, 'not_here']);
	assert.deepEqual([health.ok, health.sessions], [true, { pairing: 1 }]);
	await pause(0);
});

/** The bridge against servers that speak the same protocol in other ways than the local one does by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, SERVER } from '../../fake_whatsapp/nodes.js';
import { PATIENCE } from '../../src/line.js';
import { QUESTIONS } from '../../src/sockets.js';
import { SHOP, until, world } from './support.js';

/** @param {import('node:test').TestContext} t */
function hurry(t) {
	const [patience, questions] = [{ ...PATIENCE }, { ...QUESTIONS }];
	Object.assign(PATIENCE, { restart: 300, opening: 300 });
	Object.assign(QUESTIONS, { answerMs: 300 });
	t.after(() => {
		Object.assign(PATIENCE, patience);
		Object.assign(QUESTIONS, questions);
	});
}

/** A question, its answer and the owner's own word, each seen by everybody whom it concerns. */
const STORIES = /** @type {[string, Record<string, unknown>][]} */ ([
	['leaves most questions open', { unanswered: ['abt props', 'blocklist ', 'privacy privacy', 'encrypt digest', 'w:p ping'] }],
	['says nothing about keys and devices', { unanswered: ['encrypt count', 'passive active', 'usync usync'] }],
	['acknowledges no message', { acks: 'none' }],
	['acknowledges without a class, confirms with lists', { acks: 'without_class', receipts: 'list' }],
	['knows no hidden numbers', { hasLids: false }],
	['says the hidden number only once, and confirms as inactive', { repeatsLid: false, receipts: 'inactive' }],
	['never says that all has come, nor asks for a new connection', { saysOffline: false, asksForRestart: false }],
	['has no keys of the own phone, its only other device', { hasPhoneKeys: false, listsAsker: false, sendsHistory: false }],
	['has no keys of the own phone and shows own messages as others', { hasPhoneKeys: false, ownMessages: 'plain' }],
	['names nobody on own messages, and itself barely', { ownMessages: 'without_recipient', hasBareAddress: true }]
]);

for (const [what, quirks] of STORIES) {
	test(`a server that ${what}`, async (t) => {
		hurry(t);
		const w = await world(t);
		w.whatsapp.desk.changeQuirks(quirks);
		await w.bridge();
		const id = await w.linked();

		const sent = await w.customerWrites('Do you deliver?');
		const { chat, phone } = await w.event(({ text }) => text === 'Do you deliver?', 'the question');
		const answer = await w.ask(id, { opaque: 'a', kind: 'text', chat, text: 'We do', reply_to: sent.id });
		const read = await w.ask(id, { opaque: 'r', kind: 'read', chat, message_id: sent.id });
		await w.whatsapp.toDevices.ownerWrites(w.shop, w.ada, { text: 'Myself' });
		const own = await w.event(({ type }) => type === 'own_message', "the owner's word");

		const { hasLids = true } = quirks;
		assert.deepEqual([answer.status, read.status], [200, 200]);
		assert.deepEqual(
			w.ada.received.map((/** @type {any} */ { text }) => text),
			['We do', 'Myself']
		);
		assert.equal(chat, w.ada.jid(hasLids ? 'lid' : 'phone'));
		assert.equal(phone, `+${w.ada.phone}`);
		assert.deepEqual([own.text, own.chat], ['Myself', chat]);
		await w.event(({ status, opaque }) => status === 'delivered' && opaque === 'a', 'delivered');
		await until(() => sent.receipts.some(({ type }) => type === 'read'), 'our read receipt');
		assert.equal((await w.row(id)).phone, `+${SHOP}`);
		assert.equal(w.told.events.filter(({ type, text }) => type.endsWith('message') && text).length, 2);
	});
}

test('a server that has nothing to say of app state is not asked for it for ever', async (t) => {
	const w = await world(t);
	w.whatsapp.desk.changeQuirks({ namesAppState: false });
	await w.bridge();
	const id = await w.linked();
	const device = w.shop.devices.get(1);

	w.whatsapp.tell(w.shop, node('notification', { from: SERVER, type: 'server_sync', id: 'n' }, [node('collection', { name: 'regular' })]));
	await w.customerWrites('Do you deliver?');
	const { chat } = await w.event(({ text }) => text === 'Do you deliver?', 'the question');
	const answer = await w.ask(id, { opaque: 'a', kind: 'text', chat, text: 'We do' });

	assert.equal(answer.status, 200);
	await until(() => device.pending.every((/** @type {any} */ { key }) => key !== 'notification n'), 'the acknowledgement');
});

test('what was missed comes where it has to be asked for in batches', async (t) => {
	const w = await world(t);
	w.whatsapp.desk.changeQuirks({ waitsForBatch: true });
	const first = await w.bridge();
	await w.linked();
	await first.stop();
	await w.customerWrites('Are you open?');

	await w.bridge();

	await w.event(({ text }) => text === 'Are you open?', 'the question');
});

test('a retired secret is replaced however it was told', async (t) => {
	for (const refresh of ['child', 'iq']) {
		await t.test(refresh, async (t) => {
			const w = await world(t);
			w.whatsapp.desk.changeQuirks({ refresh });
			w.whatsapp.linking.rotatesOnScan = true;
			await w.bridge();
			const id = await w.session();

			const first = await w.pairing(id);
			await w.whatsapp.linking.scan(w.shop, first.value);
			const second = await w.pairing(id, ({ value }) => value !== first.value);

			assert.equal((await w.whatsapp.linking.scan(w.shop, second.value)).outcome, 'linked');
			await w.state(id, 'open');
		});
	}
});

test('an unlinked device knows it without a code', async (t) => {
	const w = await world(t);
	w.whatsapp.desk.changeQuirks({ saysCode: false });
	await w.bridge();
	const id = await w.linked();

	w.whatsapp.unlink(w.shop, 1);

	assert.equal((await w.state(id, 'logged_out')).state_reason, 'unlinked');
});

test('texts arrive in whatever they are wrapped', async (t) => {
	const w = await world(t);
	await w.bridge();
	await w.linked();
	const wrapped = [
		{ conversation: 'plain' },
		{ extendedTextMessage: { text: 'extended' } },
		{ ephemeralMessage: { message: { extendedTextMessage: { text: 'ephemeral' } } } },
		{ viewOnceMessage: { message: { imageMessage: { caption: 'view once' } } } },
		{ viewOnceMessageV2: { message: { conversation: 'view once, second' } } },
		{ deviceSentMessage: { message: { conversation: 'as if from a device' } } },
		{ imageMessage: { caption: 'a picture', mimetype: 'image/jpeg' } },
		{ documentWithCaptionMessage: { message: { documentMessage: { caption: 'a paper', fileName: 'a.pdf' } } } }
	];

	for (const message of wrapped) {
		await w.whatsapp.toDevices.customerWrites(w.ada, w.shop, { message });
	}
	await w.event(({ text }) => text === 'a paper', 'the last one');

	assert.deepEqual(
		w.told.events.filter(({ type }) => type === 'message').map(({ kind, text }) => [kind, text]),
		[
			['text', 'plain'],
			['text', 'extended'],
			['text', 'ephemeral'],
			['image', 'view once'],
			['text', 'view once, second'],
			['text', 'as if from a device'],
			['image', 'a picture'],
			['document', 'a paper']
		]
	);
});

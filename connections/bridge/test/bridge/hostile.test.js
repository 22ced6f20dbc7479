/** What somebody may send who means harm, or whose phone is broken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageEvent } from '../../src/inbound.js';
import { frame } from '../../fake_whatsapp/frames.js';
import { node } from '../../fake_whatsapp/nodes.js';
import { lines, until, world } from './support.js';

/** @param {any} [more] @param {any} [key] */
const heard = (more, key) => ({
	key: { remoteJid: '12345@lid', id: 'X', fromMe: false, ...key },
	message: { conversation: 'a' },
	sentAt: 1_790_000_000,
	name: 'Ada',
	isOffline: false,
	...more
});

test('an event can be told, whatever is in it', () => {
	const half = 'x'.repeat(65_535) + '😀';
	const event = messageEvent('s', heard({ message: { conversation: half }, name: '😀'.repeat(5000), sentAt: 1e15 }));
	const text = String(event?.text);

	assert.equal(text.length, 65_536);
	assert.ok(!/[\ud800-\udfff]/.test(text) && String(event?.name).length <= 200);
	assert.ok(Math.abs(Date.parse(event?.sent_at) - Date.now()) < 5000);
	for (const sentAt of [NaN, -1, 0, Infinity]) {
		assert.ok(Math.abs(Date.parse(messageEvent('s', heard({ sentAt }))?.sent_at) - Date.now()) < 5000);
	}
	assert.equal(messageEvent('s', heard({ message: { extendedTextMessage: { text: 'a', contextInfo: { stanzaId: 'q'.repeat(9999) } } } }))?.reply_to?.length, 200);
});

test('who has no number is nobody; a hosted one is answered at its own number', () => {
	for (const remoteJid of ['0@s.whatsapp.net', 'ada@lid', '1@lid', `${'9'.repeat(5000)}@lid`, '12345@lid@lid', '@lid', '', '12345@c.us']) {
		assert.equal(messageEvent('s', heard({}, { remoteJid })), null, remoteJid);
	}
	const hosted = messageEvent('s', heard({}, { remoteJid: '2348098765432:99@hosted', remoteJidAlt: '12345@hosted.lid' }));
	assert.deepEqual([hosted?.chat, hosted?.phone, hosted?.lid], ['2348098765432@s.whatsapp.net', '+2348098765432', '12345@lid']);
	const odd = messageEvent('s', heard({}, { remoteJidAlt: 'nobody@s.whatsapp.net' }));
	assert.deepEqual([odd?.chat, odd?.phone], ['12345@lid', null]);
});

test('a huge text arrives cut, and one id used by two people stays two messages', async (t) => {
	const w = await world(t);
	await w.bridge();
	await w.linked();
	const bola = w.whatsapp.people.addCustomer('2348090000001', 'Bola');

	await w.customerWrites('y'.repeat(300_000));
	const huge = await w.event(({ text }) => text?.startsWith('yyy'), 'the huge text');
	await Promise.all([
		w.customerWrites('From Ada', { id: '3ASAMEID' }),
		w.whatsapp.toDevices.customerWrites(bola, w.shop, { text: 'From Bola', id: '3ASAMEID' })
	]);
	const ada = await w.event(({ text }) => text === 'From Ada', "Ada's");
	const other = await w.event(({ text }) => text === 'From Bola', "Bola's");

	assert.equal(huge.text.length, 65_536);
	assert.deepEqual([ada.phone, ada.lid], [`+${w.ada.phone}`, w.ada.jid('lid')]);
	assert.deepEqual([other.phone, other.lid], [`+${bola.phone}`, bola.jid('lid')]);
});

test('nonsense on the line changes nothing', async (t) => {
	const w = await world(t);
	const run = await w.process();
	const id = await w.linked();
	const [line] = [...w.whatsapp.connections];
	const from = w.ada.jid('lid');

	for (const stanza of [
		node('message', {}, []),
		node('message', { from }, [node('enc', { type: 'msg' }, Buffer.alloc(5))]),
		node('message', { from, id: 'A', t: 'never' }, [node('enc', { type: 'pkmsg', v: 2 }, Buffer.alloc(300, 7))]),
		node('message', { from: `${'7'.repeat(3000)}@lid`, id: 'B' }, [node('enc', { type: 'msg' }, Buffer.alloc(50))]),
		node('message', { from: w.shop.jid('lid'), recipient: from, id: 'C' }, [node('enc', { type: 'what' }, Buffer.alloc(5))]),
		node('receipt', { id: 'D' }),
		node('receipt', { from, id: '3EB0B4C400000000000000', type: 'read' }),
		node('receipt', { from, id: 'E', type: 'retry' }),
		node('ack', { id: '3EB0B4C400000000000000', error: 'soon' }),
		node('notification', { from: '@s.whatsapp.net', type: 'encrypt', id: 'F' }),
		node('notification', { from, type: 'mex', id: 'G' }, [node('update', { op_name: 'MessageCappingInfoNotification' }, Buffer.from('{'))]),
		node('ib', {}, [node('edge_routing')]),
		node('success', {}),
		node('what', { id: 'H' }, Buffer.alloc(10))
	]) {
		line.send(stanza);
	}
	// More than the faults of a process that end it.
	for (let number = 0; number < 25; number++) {
		line.socket.send(frame(line.noise.seal(Buffer.from([0, 248, 200, number]))));
	}
	await w.customerWrites('Still there?');

	await w.event(({ text }) => text === 'Still there?', 'the message');
	assert.equal((await w.row(id)).state, 'open');
	assert.equal(w.whatsapp.connections.size, 1);
	assert.equal(run.child.exitCode, null);
	assert.ok(!w.told.events.some(({ type }) => type === 'status'));
	for (let number = 0; number < 25; number++) {
		line.socket.send(frame(Buffer.alloc(60, number)));
	}
	await until(() => !w.whatsapp.connections.has(line) && w.whatsapp.connections.size === 1, 'another line');
	await w.customerWrites('And now?');
	await w.event(({ text }) => text === 'And now?', 'the message on it');
	assert.equal(run.child.exitCode, null);
});

test('a flood on one session takes nothing from another', async (t) => {
	const w = await world(t);
	const bridge = await w.bridge();
	const flooded = await w.linked();
	const kiosk = w.whatsapp.people.addAccount('2348011111111', 'Kiosk');
	const other = await w.session();
	const { value } = await w.pairing(other);
	await w.whatsapp.linking.scan(kiosk, value);
	await w.state(other, 'open');
	const epochs = [(await w.row(flooded)).epoch, (await w.row(other)).epoch];

	for (let number = 0; number < 200; number++) {
		await w.customerWrites(`Flood ${number}`);
	}
	const began = Date.now();
	await w.whatsapp.toDevices.customerWrites(w.ada, kiosk, { text: 'In the midst of it' });
	await w.event(({ text, session }) => text === 'In the midst of it' && session === other, 'the other one');
	const tookMs = Date.now() - began;
	await w.event(({ text }) => text === 'Flood 199', 'the last of the flood', 30_000);

	const told = w.told.events.filter(({ text }) => text?.startsWith('Flood'));
	assert.deepEqual(told.map(({ text }) => text), told.map((_, number) => `Flood ${number}`));
	assert.equal(told.length, 200);
	assert.ok(tookMs < 5000, `${tookMs} ms`);
	assert.deepEqual([(await w.row(flooded)).epoch, (await w.row(other)).epoch], epochs);
	assert.equal(bridge.sessions?.isRenewed(), true);
	assert.ok(!lines.some((line) => line.includes('bridge.leases.lost')));
});

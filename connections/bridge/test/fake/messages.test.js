import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proto } from 'baileys';
import { ADA, Client, linkedClient, SHOP, startServer, textOf, until } from './support.js';

const { DELIVERY_ACK, READ } = proto.WebMessageInfo.Status;

test('a customer writes by hidden number, the phone number comes beside it, and the answer is read', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	await server.toDevices.customerWrites(ada, shop, { text: 'Do you deliver?' });
	const { message, type } = await client.received('Do you deliver?');
	const answer = await client.socket.sendMessage(
		String(message.key.remoteJid),
		{ text: 'We do.' },
		{ quoted: message }
	);
	const read = await until(() => ada.received.find((one) => one.text === 'We do.'), 'the answer');

	assert.equal(type, 'notify');
	assert.equal(message.key.remoteJid, ada.jid('lid'));
	assert.equal(message.key.remoteJidAlt, ada.jid('phone'));
	assert.equal(message.pushName, 'Ada');
	assert.equal(read.id, answer?.key.id);
	assert.equal(read.replyTo, message.key.id);
	assert.equal(read.from, 'device:1');
	const copy = await until(() => shop.received.find((one) => one.text === 'We do.'), "the copy on the owner's phone");
	assert.equal(copy.customer, ADA);
});

test('a customer writes by phone number, with the hidden number beside it', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	await server.toDevices.customerWrites(ada, shop, { text: 'Hello', by: 'phone' });
	const { message } = await client.received('Hello');
	await client.socket.sendMessage(String(message.key.remoteJid), { text: 'Good day' });
	await until(() => ada.received.find((one) => one.text === 'Good day'), 'the answer');

	assert.equal(message.key.remoteJid, ada.jid('phone'));
	assert.equal(message.key.remoteJidAlt, ada.jid('lid'));
});

test('a customer can hide the phone number', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	await server.toDevices.customerWrites(ada, shop, { text: 'Hello', hidesPhone: true });
	const { message } = await client.received('Hello');

	assert.equal(message.key.remoteJidAlt, undefined);
});

test('the first word can be ours: to a phone number that was never in touch', async (t) => {
	const { server, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	const found = await client.socket.onWhatsApp(`+${ADA}`, '+2340000000001');
	await client.socket.sendMessage(ada.jid('phone'), { text: 'Your order is here' });
	const read = await until(() => ada.received[0], 'the message');

	assert.deepEqual(found, [{ jid: ada.jid('phone'), exists: true }]);
	assert.equal(read.text, 'Your order is here');
});

test('the customer tells when a message was delivered and read', async (t) => {
	const { server, shop, ada } = await startServer(t);
	ada.isReachable = false;
	const client = await linkedClient(t, server);

	const sent = await client.socket.sendMessage(ada.jid('lid'), { text: 'Ready' });
	const id = String(sent?.key.id);
	const read = await until(() => ada.received[0], 'the message');
	assert.ok(!client.statuses.some((one) => (one.status ?? 0) >= DELIVERY_ACK));
	server.toDevices.customerConfirms(shop, read, 'delivered');
	await client.status(id, DELIVERY_ACK);
	server.toDevices.customerConfirms(shop, read, 'read');
	await client.status(id, READ);

	await until(() => shop.devices.get(1)?.pending.length === 0, 'the acknowledgement of the receipts');
});

test('what we say of a message arrives at the customer', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	const sent = await server.toDevices.customerWrites(ada, shop, { text: 'Hello' });
	const { message } = await client.received('Hello');
	await until(() => sent.receipts.length, 'the delivery receipt');
	await client.socket.readMessages([message.key]);
	await until(() => sent.receipts.length > 1, 'the read receipt');

	assert.deepEqual(
		sent.receipts.map(({ type }) => type),
		['inactive', 'read']
	);
	assert.equal(shop.devices.get(1)?.pending.length, 0);
});

test('typing is seen both ways', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	await client.socket.sendPresenceUpdate('composing', ada.jid('lid'));
	await until(() => ada.typing[SHOP], 'our typing');
	server.toDevices.customerTypes(ada, shop, 'composing', 'lid');
	await until(() => client.presence, "the customer's typing");

	assert.equal(ada.typing[SHOP][0].state, 'composing');
	assert.equal(client.presence.presences[ada.jid('lid')].lastKnownPresence, 'composing');
});

for (const by of /** @type {const} */ (['lid', 'phone'])) {
	test(`the owner answers on the phone, by ${by}: the device sees its own message`, async (t) => {
		const { server, shop, ada } = await startServer(t);
		const client = await linkedClient(t, server);

		await server.toDevices.ownerWrites(shop, ada, { text: 'I take this one', by });
		const { message } = await client.received('I take this one');

		assert.equal(message.key.fromMe, true);
		assert.equal(message.key.remoteJid, ada.jid(by));
		assert.equal(message.key.remoteJidAlt, ada.jid(by === 'lid' ? 'phone' : 'lid'));
		assert.equal(ada.received[0].from, 'phone');
	});
}

test('a message that our side cannot read is asked for again', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server, { retryRequestDelayMs: 20 });
	server.faults.garble(SHOP);

	const sent = await server.toDevices.customerWrites(ada, shop, { text: 'Can you read this?' });
	await client.received('Can you read this?');

	assert.equal(sent.receipts[0].type, 'retry');
	await until(() => shop.devices.get(1)?.pending.length === 0, 'the end of the queue');
});

test('a message that the customer cannot read is sent again', async (t) => {
	const { server, ada } = await startServer(t);
	const client = await linkedClient(t, server);
	ada.unreadable = 1;

	const sent = await client.socket.sendMessage(ada.jid('lid'), { text: 'Once more' });
	const read = await until(() => ada.received[0], 'the second try');

	assert.equal(read.text, 'Once more');
	assert.equal(read.id, sent?.key.id);
	assert.equal(read.copies, 1);
});

test('a customer with a new phone can be written to and write', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const client = await linkedClient(t, server);
	await server.toDevices.customerWrites(ada, shop, { text: 'Old phone' });
	await client.received('Old phone');
	await client.socket.sendMessage(ada.jid('lid'), { text: 'one' });
	await until(() => ada.received.length === 1, 'the first answer');
	ada.takeNewPhone();

	await client.socket.sendMessage(ada.jid('lid'), { text: 'two' });
	await until(() => ada.received.length === 2, 'the second answer');
	await server.toDevices.customerWrites(ada, shop, { text: 'New phone' });
	await client.received('New phone');
});

test('what came while the device was away is delivered in order, marked as late', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const first = await linkedClient(t, server);
	first.socket.end(undefined);
	await until(() => server.connections.size === 0, 'the device to leave');
	for (let number = 1; number <= 30; number++) {
		await server.toDevices.customerWrites(ada, shop, { text: `Question ${number}` });
	}

	const client = new Client(t, server, first.auth);
	await client.received('Question 30');

	const late = client.messages.filter(({ message }) => textOf(message).startsWith('Question'));
	assert.deepEqual(
		late.map(({ message }) => textOf(message)),
		late.map((_, index) => `Question ${index + 1}`)
	);
	assert.ok(late.every(({ type }) => type === 'append'));
	await until(() => shop.devices.get(1)?.pending.length === 0, 'the end of the queue');
});

for (const error of [463, 479]) {
	test(`the next message is refused with ${error} and does not arrive`, async (t) => {
		const { server, ada } = await startServer(t);
		const client = await linkedClient(t, server);
		server.faults.failSends({ error, account: SHOP });

		const refused = await client.socket.sendMessage(ada.jid('lid'), { text: 'Refused' });
		assert.equal(await client.refusal(refused?.key.id), String(error));
		await client.socket.sendMessage(ada.jid('lid'), { text: 'Taken' });
		await until(() => ada.received[0], 'the second message');

		assert.deepEqual(
			ada.received.map(({ text }) => text),
			['Taken']
		);
	});
}

test('the same id twice is one message on the phone', async (t) => {
	const { server, ada } = await startServer(t);
	const client = await linkedClient(t, server);

	for (const text of ['Hello', 'Hello']) {
		await client.socket.sendMessage(ada.jid('lid'), { text }, { messageId: '3EB0AAAAAAAAAAAAAAAAAA' });
	}
	await until(() => ada.received[0]?.copies === 2, 'both copies');

	assert.equal(ada.received.length, 1);
});

test('a quote, a picture and a place arrive as what they are', async (t) => {
	const { server } = await startServer(t);
	const client = await linkedClient(t, server);

	await server.desk.customerWrites(ADA, { account: SHOP, text: 'This one', replyTo: '3A00' });
	await server.desk.customerWrites(ADA, {
		account: SHOP,
		message: { locationMessage: { degreesLatitude: 6.5, degreesLongitude: 3.4 } }
	});
	await server.desk.customerWrites(ADA, {
		account: SHOP,
		message: { imageMessage: { caption: 'Look', mimetype: 'image/jpeg' } }
	});
	/** @type {(import('baileys').proto.IMessage | null | undefined)[]} */
	const contents = await until(() => {
		const found = client.messages.map(({ message }) => message.message);
		return found.length >= 3 ? found : undefined;
	}, 'the messages');

	assert.equal(contents.find((one) => one?.extendedTextMessage)?.extendedTextMessage?.contextInfo?.stanzaId, '3A00');
	assert.equal(contents.find((one) => one?.locationMessage)?.locationMessage?.degreesLatitude, 6.5);
	assert.equal(contents.find((one) => one?.imageMessage)?.imageMessage?.caption, 'Look');
});

test('what is no chat can be dropped by the client before it reads it', async (t) => {
	const { server, shop } = await startServer(t);
	const client = await linkedClient(t, server, { shouldIgnoreJid: (jid) => !/@(lid|s\.whatsapp\.net)$/.test(jid) });

	for (const where of /** @type {const} */ (['group', 'status', 'broadcast', 'newsletter'])) {
		server.desk.customerPosts(ADA, { account: SHOP, where });
	}
	await until(() => shop.devices.get(1)?.pending.length === 0, 'the end of the queue');

	assert.ok(client.messages.every(({ message }) => message.key.remoteJid?.endsWith('@lid')));
});

test('an account that is locked may only answer', async (t) => {
	const { server, ada } = await startServer(t);
	const client = await linkedClient(t, server);
	/** @type {any[]} */
	const limits = [];
	client.socket.ev.on(
		'connection.update',
		({ reachoutTimeLock }) => reachoutTimeLock && limits.push(reachoutTimeLock)
	);
	client.socket.ev.on('message-capping.update', (update) => limits.push(update));

	server.desk.changeAccount(SHOP, { lockedUntil: Math.floor(Date.now() / 1000) + 600 });
	server.desk.capChats(SHOP, { used: 10, total: 10 });
	await until(() => limits.length === 2, 'both notices');
	const first = await client.socket.sendMessage(ada.jid('phone'), { text: 'Buy!' });
	assert.equal(await client.refusal(first?.key.id), '463');
	await server.desk.customerWrites(ADA, { account: SHOP, text: 'What do you have?' });
	await client.received('What do you have?');
	await client.socket.sendMessage(ada.jid('lid'), { text: 'Yam' });
	await until(() => ada.received.length, 'the answer');

	assert.equal(limits[0].isActive, true);
	assert.equal(limits[1].capping_status, 'CAPPED');
	assert.deepEqual(
		ada.received.map(({ text }) => text),
		['Yam']
	);
});

test('a device whose one-time keys run out is told to upload more', async (t) => {
	const { server, shop } = await startServer(t);
	await linkedClient(t, server);
	const device = shop.devices.get(1);
	device?.preKeys.splice(5);

	await server.desk.customerWrites(ADA, { account: SHOP, text: 'Hello' });

	await until(() => Number(device?.preKeys.length) > 4, 'new keys');
});

test('many customers may write at once, and each of them twice', async (t) => {
	const { server } = await startServer(t);
	const client = await linkedClient(t, server);
	const writers = Array.from({ length: 8 }, (_, index) => `23470000000${10 + index}`);

	await Promise.all(
		writers.flatMap((phone) =>
			[1, 2].map((turn) => server.desk.customerWrites(phone, { account: SHOP, text: `${phone} ${turn}` }))
		)
	);
	await until(() => client.messages.filter(({ message }) => textOf(message)).length === 16, 'all messages');

	for (const phone of writers) {
		const own = client.messages.map(({ message }) => textOf(message)).filter((text) => text.startsWith(phone));
		assert.deepEqual(own, [`${phone} 1`, `${phone} 2`]);
	}
});

test('what one device writes the other device sees too', async (t) => {
	const { server, shop, ada } = await startServer(t);
	const [first, second] = [await linkedClient(t, server), await linkedClient(t, server)];

	await server.desk.customerWrites(ADA, { account: SHOP, text: 'Are you open?' });
	await second.received('Are you open?');
	const { message } = await first.received('Are you open?');
	await first.socket.sendMessage(String(message.key.remoteJid), { text: 'Until six' });
	const copy = (await second.received('Until six')).message;

	assert.equal(copy.key.fromMe, true);
	assert.equal(copy.key.remoteJid, ada.jid('lid'));
	assert.deepEqual(
		shop.received.map(({ from }) => from),
		['customer', 'device:1']
	);
});

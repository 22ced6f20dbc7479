import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, linkedClient, newAuth, SHOP, startServer, until } from './support.js';

test('a scanned QR links the device, which logs in and uploads its keys', async (t) => {
	const { server, shop } = await startServer(t);
	const auth = newAuth();
	const first = new Client(t, server, auth);

	const outcome = await server.linking.scan(shop, await first.qr());

	assert.equal(outcome.outcome, 'linked');
	assert.equal(await first.end(), 515);
	const client = new Client(t, server, auth);
	await client.open();
	assert.equal(auth.creds.me?.id, shop.jid('phone', 1));
	assert.equal(auth.creds.me?.lid, shop.jid('lid', 1));
	assert.equal(auth.creds.nextPreKeyId, 813);
	assert.ok(Number(shop.devices.get(1)?.preKeys.length) > 800);
	assert.match(String(shop.devices.get(1)?.platform), /CHROME \(Ubuntu\)/);
});

test('six QR codes are shown, then the client gives up', async (t) => {
	const { server } = await startServer(t);
	const client = new Client(t, server, newAuth(), { qrTimeout: 30 });

	assert.equal(await client.end(), 408);
	assert.equal(new Set(client.qrs).size, 6);
});

test('a later QR of the same client links too; an unknown one does not', async (t) => {
	const { server, shop } = await startServer(t);
	const client = new Client(t, server, newAuth(), { qrTimeout: 150 });
	await until(() => client.qrs[2], 'the third QR');

	const unknown = await server.linking.scan(shop, client.qrs[2].replace('2@', '2@x'));
	const known = await server.linking.scan(shop, client.qrs[2]);

	assert.equal(unknown.outcome, 'unknown_code');
	assert.equal(known.outcome, 'linked');
});

test('a QR that is no QR of WhatsApp is an error', async (t) => {
	const { server, shop } = await startServer(t);

	await assert.rejects(server.linking.scan(shop, 'https://example.com'), RangeError);
});

test('the client refuses a phone that does not know its secret', async (t) => {
	const { server, shop } = await startServer(t);
	const client = new Client(t, server, newAuth());

	const scan = server.linking.scan(shop, await client.qr(), { hmac: true });

	assert.notEqual(await client.end(), 515);
	assert.equal(client.auth.creds.me, undefined);
	assert.equal((await scan).outcome, 'refused');
});

test('a code of eight characters links the device', async (t) => {
	const { server, shop } = await startServer(t);
	const auth = newAuth();
	const first = new Client(t, server, auth);
	await first.qr();

	const code = await first.socket.requestPairingCode(SHOP);
	const pairing = () => [...server.connections][0]?.registration?.pairing;
	await until(pairing, 'the request for a code');
	const outcome = await server.linking.enterCode(shop, `${code.slice(0, 4)}-${code.slice(4)}`);

	assert.equal(outcome.outcome, 'linked');
	assert.equal(await first.end(), 515);
	await new Client(t, server, auth).open();
});

test('a wrong code is noticed by the phone', async (t) => {
	const { server, shop } = await startServer(t);
	const client = new Client(t, server, newAuth());
	await client.qr();
	await client.socket.requestPairingCode(SHOP, 'ABCD1234');
	await until(() => [...server.connections][0]?.registration?.pairing, 'the request for a code');

	const outcome = await server.linking.enterCode(shop, 'ABCD-1235');

	assert.equal(outcome.outcome, 'wrong_code');
	assert.equal(shop.devices.size, 0);
});

test('after a rotation the old secret never links; a new one does', async (t) => {
	const { server, shop } = await startServer(t);
	server.linking.rotatesOnScan = true;
	const client = new Client(t, server, newAuth());
	const qr = await client.qr();

	const first = await server.linking.scan(shop, qr);
	const again = await server.linking.scan(shop, qr);
	// What a client has to do that knows the notification: acknowledge it, and show a new secret.
	const registration = [...server.connections][0].registration;
	await client.socket.sendNode({
		tag: 'ack',
		attrs: {
			id: String(registration?.rotationId),
			class: 'notification',
			to: 's.whatsapp.net',
			type: 'companion_reg_refresh'
		}
	});
	client.auth.creds.advSecretKey = Buffer.alloc(32, 7).toString('base64');
	await until(() => registration?.rotationId === null, 'the acknowledgement');
	const parts = qr.split(',');
	const fresh = await server.linking.scan(
		shop,
		[...parts.slice(0, 3), client.auth.creds.advSecretKey, ...parts.slice(4)].join(',')
	);

	assert.equal(first.outcome, 'secret_retired');
	assert.equal(again.outcome, 'secret_retired');
	assert.equal(fresh.outcome, 'linked');
});

test('an account with a passkey cannot be linked, and the client is told', async (t) => {
	const { server, shop } = await startServer(t);
	shop.needsPasskey = true;
	const client = new Client(t, server, newAuth());
	/** @type {any[]} */
	const asked = [];
	client.socket.ws.on('CB:notification,type:passkey_prologue_request', (/** @type {any} */ node) => asked.push(node));

	const outcome = await server.linking.scan(shop, await client.qr());

	assert.equal(outcome.outcome, 'passkey_required');
	await until(() => asked.length, 'the request for a passkey');
	assert.equal(asked[0].content[0].tag, 'passkey_request_options');
});

test('the passkey may be asked for by the other notification', async (t) => {
	const { server } = await startServer(t);
	server.desk.changeAccount(SHOP, { needsPasskey: true, passkeyNotice: 'crsc_continuation' });
	const client = new Client(t, server, newAuth());
	let isAsked = false;
	client.socket.ws.on('CB:notification,type:crsc_continuation', () => {
		isAsked = true;
	});

	const outcome = await server.desk.scan(SHOP, { qr: await client.qr() });

	assert.equal(outcome.outcome, 'passkey_required');
	await until(() => isAsked, 'the notification');
});

test('a second device gets a number of its own', async (t) => {
	const { server, shop } = await startServer(t);
	await linkedClient(t, server);

	await linkedClient(t, server);

	assert.deepEqual([...shop.devices.keys()], [1, 2]);
});

test('a secret can be retired while its QR is shown', async (t) => {
	const { server } = await startServer(t);
	const client = new Client(t, server, newAuth());
	const qr = await client.qr();
	let isTold = false;
	client.socket.ws.on('CB:notification,type:companion_reg_refresh', () => {
		isTold = true;
	});

	assert.deepEqual(server.desk.rotateSecrets({ qr }), { clients: 1 });
	await until(() => isTold, 'the notification');

	assert.equal((await server.desk.scan(SHOP, { qr })).outcome, 'secret_retired');
});

test('a linked device learns of its phone and of its sister', async (t) => {
	const { server, shop } = await startServer(t);
	const client = await linkedClient(t, server);
	await linkedClient(t, server);

	const devices = await client.socket.getUSyncDevices([shop.jid('lid')], false, false);

	assert.deepEqual(
		devices.map(({ device }) => device),
		[0, 1, 2]
	);
});

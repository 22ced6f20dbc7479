import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADA, Client, linkedClient, newAuth, pause, SHOP, startServer, until } from './support.js';

// Some of these wait most of the time; so a few of them run at once.
describe('connections end', { concurrency: 3 }, () => {
	test('each way to end a connection shows the code that it should', async (t) => {
		const { server, shop } = await startServer(t);
		let client = await linkedClient(t, server);
		/** @type {[import('../../fake_whatsapp/server.js').Cut, number][]} */
		const cuts = [
			['drop', 428],
			['close', 428],
			['xmlstreamend', 428],
			[503, 503],
			[500, 500],
			[515, 515],
			['replaced', 440]
		];

		for (const [how, code] of cuts) {
			assert.equal(server.cut(how, shop), 1, String(how));
			assert.equal(await client.end(), code, String(how));
			client = new Client(t, server, client.auth);
			await client.open();
		}
	});

	test('each refused login shows its reason, and the next one works', async (t) => {
		const { server } = await startServer(t);
		const first = await linkedClient(t, server);
		first.socket.end(undefined);

		for (const reason of [401, 403, 405, 406, 409, 411, 415, 429, 503]) {
			server.faults.failLogins({ reason, account: SHOP });
			const refused = new Client(t, server, first.auth);
			assert.equal(await refused.end(), reason);
		}
		server.faults.failLogins({ reason: 402, code: 101, expire: 3600 });
		const banned = new Client(t, server, first.auth);
		assert.equal(await banned.end(), 402);
		assert.equal(banned.endData.code, '101');
		assert.equal(banned.endData.expire, '3600');

		await new Client(t, server, first.auth).open();
	});

	test('a device that was removed on the phone is told so, now and later', async (t) => {
		const { server, shop } = await startServer(t);
		const client = await linkedClient(t, server);

		assert.equal(server.unlink(shop, 1), true);
		assert.equal(await client.end(), 401);

		const later = new Client(t, server, client.auth);
		assert.equal(await later.end(), 401);
		assert.equal(server.unlink(shop, 1), false);
	});

	test('a device can log itself out', async (t) => {
		const { server, shop } = await startServer(t);
		const client = await linkedClient(t, server);

		await client.socket.logout();
		await until(() => shop.devices.size === 0, 'the device to be removed');

		assert.equal(await client.end(), 401);
	});

	test('the same keys opened twice: the first connection is replaced', async (t) => {
		const { server } = await startServer(t);
		const first = await linkedClient(t, server);

		const second = new Client(t, server, first.auth);

		assert.equal(await first.end(), 440);
		await second.open();
	});

	test('somebody with other keys cannot log in as the device', async (t) => {
		const { server, shop } = await startServer(t);
		await linkedClient(t, server);
		const auth = newAuth();
		auth.creds.me = { id: shop.jid('phone', 1), lid: shop.jid('lid', 1), name: 'x' };

		const client = new Client(t, server, auth);

		assert.equal(await client.end(), 401);
	});

	test('on a silent link nothing is answered, and what was written comes on the next one', async (t) => {
		const { server, shop, ada } = await startServer(t);
		const client = await linkedClient(t, server);

		server.cut('silent', shop);
		await server.toDevices.customerWrites(ada, shop, { text: 'Anybody there?' });
		const pong = client.socket.query({ tag: 'iq', attrs: { to: 's.whatsapp.net', type: 'get', xmlns: 'w:p' } }, 300);

		await assert.rejects(pong);
		assert.equal(client.endCode, null);
		assert.ok(client.messages.every(({ message }) => message.key.fromMe));
		client.socket.end(undefined);
		const again = new Client(t, server, client.auth);
		await again.received('Anybody there?');
	});

	test('on a dead link not even a goodbye is answered, and the device may come back beside it', async (t) => {
		const { server, shop, ada } = await startServer(t);
		const client = await linkedClient(t, server);

		server.cut('dead', shop);
		await server.toDevices.customerWrites(ada, shop, { text: 'Anybody there?' });
		client.socket.end(undefined);
		await pause(300);
		assert.equal(client.endCode, null);
		const again = new Client(t, server, client.auth);
		await again.received('Anybody there?');

		assert.equal(client.endCode, null);
	});

	test('pings are answered', async (t) => {
		const { server } = await startServer(t);
		const client = await linkedClient(t, server);

		const pong = await client.socket.query({
			tag: 'iq',
			attrs: { to: 's.whatsapp.net', type: 'get', xmlns: 'w:p' },
			content: [{ tag: 'ping', attrs: {} }]
		});

		assert.equal(pong.attrs.type, 'result');
	});

	test('while the server is away nobody gets in', async (t) => {
		const { server } = await startServer(t);
		const first = await linkedClient(t, server);

		server.goAway(0.5);
		await first.end();
		const early = new Client(t, server, first.auth);
		assert.notEqual(await early.end(), 0);
		await pause(500);

		await new Client(t, server, first.auth).open();
	});

	test('an upgrade can be refused with an HTTP status', async (t) => {
		const { server } = await startServer(t);
		server.faults.refuseUpgrades(503);

		const response = await fetch(server.url.replace('ws:', 'http:'), { headers: { Connection: 'keep-alive' } });
		assert.equal(response.status, 404);
		const client = new Client(t, server, newAuth());
		/** @type {number[]} */
		const statuses = [];
		client.socket.ws.on('unexpected-response', (/** @type {any} */ _request, /** @type {any} */ answer) =>
			statuses.push(answer.statusCode)
		);
		await until(() => statuses.length, 'the refusal');

		assert.deepEqual(statuses, [503]);
		await new Client(t, server, newAuth()).qr();
	});

	test('a send may get no answer although it arrived', async (t) => {
		const { server, ada } = await startServer(t);
		const client = await linkedClient(t, server);
		server.faults.failSends({ error: null, isDelivered: true });
		/** @type {any[]} */
		const acks = [];
		client.socket.ws.on('CB:ack,class:message', (/** @type {any} */ ack) => acks.push(ack));

		await client.socket.sendMessage(`${ADA}@s.whatsapp.net`, { text: 'Did you get it?' });
		await until(() => ada.received[0], 'the message');

		assert.deepEqual(acks, []);
	});

	test('a server that accepts the connection and then says nothing is given up', async (t) => {
		const { server } = await startServer(t);
		server.desk.mute({ isMute: true });

		const client = new Client(t, server, newAuth(), { connectTimeoutMs: 300 });

		assert.equal(await client.end(), 408);
		server.desk.calm();
		await new Client(t, server, newAuth()).qr();
	});
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startControl } from '../../fake_whatsapp/control.js';
import { ADA, Client, newAuth, SHOP, startServer, until } from './support.js';

const MAIN = fileURLToPath(new URL('../../fake_whatsapp/main.js', import.meta.url));

/** @param {string} base @param {string} method @param {string} path @param {unknown} [body] */
async function call(base, method, path, body) {
	const response = await fetch(base + path, {
		method,
		headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body)
	});
	return { status: response.status, said: /** @type {any} */ (await response.json()) };
}

/** @param {import('node:test').TestContext} t @param {string[]} args */
async function startMain(t, args) {
	const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
	t.after(() => child.kill('SIGKILL'));
	for await (const line of createInterface({ input: child.stdout })) {
		return { child, ready: /** @type {Record<string, string>} */ (JSON.parse(line.replace(/^ready /, ''))) };
	}
	throw new Error('It ended before it was ready');
}

test('the program keeps links and sessions over a restart, under the same root key', async (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'fake-whatsapp-'));
	t.after(() => rmSync(folder, { recursive: true }));
	const args = ['--state', join(folder, 'state.json'), '--account', `+${SHOP}=Ada Stores`];
	const before = await startMain(t, args);
	const auth = newAuth();
	const server = /** @type {any} */ ({ url: before.ready.url });
	const first = new Client(t, server, auth);
	const scanned = await call(before.ready.control, 'POST', `/accounts/${SHOP}/scan`, { qr: await first.qr() });
	assert.equal(scanned.said.outcome, 'linked');
	await first.end();
	const online = new Client(t, server, auth);
	await online.open();
	await call(before.ready.control, 'POST', `/customers/${ADA}/messages`, {
		account: SHOP,
		text: 'Before',
		name: 'Ada'
	});
	await online.received('Before');
	const ended = new Promise((resolve) => before.child.once('exit', resolve));
	before.child.kill('SIGTERM');
	assert.equal(await ended, 0);

	const after = await startMain(t, args);
	await call(after.ready.control, 'POST', `/customers/${ADA}/messages`, { account: SHOP, text: 'After' });
	const again = new Client(t, /** @type {any} */ ({ url: after.ready.url }), auth);
	await again.received('After');

	assert.equal(after.ready.rootKey, before.ready.rootKey);
	const { said } = await call(after.ready.control, 'GET', `/accounts/${SHOP}`);
	assert.deepEqual(
		said.devices.map((/** @type {any} */ one) => [one.number, one.isOnline]),
		[[1, true]]
	);
});

test('a chat can be played through the control API alone', async (t) => {
	const { server } = await startServer(t);
	const control = await startControl(server.desk, 0);
	t.after(() => control.close());
	const base = `http://127.0.0.1:${/** @type {any} */ (control.address()).port}`;
	const auth = newAuth();
	const first = new Client(t, server, auth);
	await call(base, 'POST', `/accounts/${SHOP}/scan`, { qr: await first.qr() });
	await first.end();
	const client = new Client(t, server, auth);
	await client.open();

	await call(base, 'POST', `/customers/${ADA}`, { isReachable: false });
	const wrote = await call(base, 'POST', `/customers/${ADA}/messages`, { account: SHOP, text: 'Hello', by: 'phone' });
	const { message } = await client.received('Hello');
	const reply = await client.socket.sendMessage(String(message.key.remoteJid), { text: 'Hi' });
	await until(() => server.people.customer(ADA).received.length, 'the answer');
	const confirmed = await call(base, 'POST', `/customers/${ADA}/receipts`, { account: SHOP, type: 'read' });
	await client.status(String(reply?.key.id), 4);
	await call(base, 'POST', `/accounts/${SHOP}/messages`, { to: ADA, text: 'It is me, the owner' });
	await client.received('It is me, the owner');
	const chat = (await call(base, 'GET', `/customers/${ADA}/chats/${SHOP}`)).said;

	assert.equal(wrote.said.id, message.key.id);
	assert.deepEqual(confirmed.said.ids, [reply?.key.id]);
	assert.deepEqual(
		chat.received.map((/** @type {any} */ one) => one.text),
		['Hi', 'It is me, the owner']
	);
	assert.equal(chat.sent[0].receipts[0].type, 'inactive');
	const happenings = (await call(base, 'GET', '/happenings?after=0')).said.map((/** @type {any} */ one) => one.what);
	for (const what of ['linked', 'online', 'customer-wrote', 'customer-received', 'owner-wrote']) {
		assert.ok(happenings.includes(what), what);
	}
	assert.equal((await call(base, 'POST', '/faults/cut', { how: 503, account: SHOP })).said.connections, 1);
	assert.equal(await client.end(), 503);
	assert.equal((await call(base, 'DELETE', `/accounts/${SHOP}/devices/1`)).said.wasLinked, true);
});

test('wrong requests are told what is wrong', async (t) => {
	const { server } = await startServer(t);
	const control = await startControl(server.desk, 0);
	t.after(() => control.close());
	const { port } = /** @type {import('node:net').AddressInfo} */ (control.address());
	const base = `http://127.0.0.1:${port}`;

	assert.equal((await call(base, 'GET', '/nothing')).status, 404);
	assert.equal((await call(base, 'GET', '/accounts/2340000000009')).status, 404);
	assert.equal((await call(base, 'POST', '/accounts', { phone: SHOP, name: 'Twice' })).status, 400);
	assert.equal((await call(base, 'POST', `/accounts/${SHOP}/scan`, { qr: 'x' })).status, 400);
	assert.equal((await call(base, 'POST', '/faults/cut', { how: 'gently' })).status, 400);
	const messages = `/customers/${ADA}/messages`;
	for (const written of [{}, { text: 'Hello', by: 'pigeon' }, { message: { imageMessage: 'x' } }]) {
		assert.equal((await call(base, 'POST', messages, { account: SHOP, ...written })).status, 400);
	}
	assert.equal((await fetch(`${base}/accounts`, { method: 'POST', body: '{}' })).status, 415);
	const foreign = await new Promise((resolve) =>
		request({ port, host: '127.0.0.1', path: '/accounts', headers: { Host: 'evil.example' } }, (answer) =>
			resolve(answer.statusCode)
		).end()
	);
	assert.equal(foreign, 403);
	assert.ok((await call(base, 'GET', '/')).said.routes.length > 20);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Curve, proto, WA_CERT_DETAILS } from 'baileys';
import { newChainKeys, signedChain } from '../../fake_whatsapp/certificates.js';
import { isSigned } from '../../fake_whatsapp/signal_party.js';
import { FrameReader } from '../../fake_whatsapp/frames.js';
import { Client, linkedClient, newAuth, startServer } from './support.js';

test('the chain of certificates holds for a client that checks it', () => {
	const keys = newChainKeys();

	const { intermediate, leaf } = proto.CertChain.decode(signedChain(keys));

	const details = proto.CertChain.NoiseCertificate.Details;
	const middle = details.decode(/** @type {Uint8Array} */ (intermediate?.details));
	const last = details.decode(/** @type {Uint8Array} */ (leaf?.details));
	assert.ok(
		isSigned(keys.root.public, Buffer.from(intermediate?.details ?? []), Buffer.from(intermediate?.signature ?? []))
	);
	assert.ok(
		isSigned(middle.key ?? Buffer.alloc(0), Buffer.from(leaf?.details ?? []), Buffer.from(leaf?.signature ?? []))
	);
	assert.deepEqual([middle.issuerSerial, middle.serial, last.issuerSerial], [0, 1, 1]);
	assert.ok(keys.leaf.public.equals(Buffer.from(last.key ?? [])));
});

test('a signature of another root does not hold', () => {
	const { intermediate } = proto.CertChain.decode(signedChain(newChainKeys()));

	const isOurs = isSigned(
		newChainKeys().root.public,
		Buffer.from(intermediate?.details ?? []),
		Buffer.from(intermediate?.signature ?? [])
	);

	assert.equal(isOurs, false);
});

test('frames are found however the bytes are cut, with and without routing', () => {
	const header = Buffer.from([0x57, 0x41, 6, 3]);
	const routing = Buffer.from([0x45, 0x44, 0, 1, 0, 0, 2, 9, 9]);
	const stream = Buffer.concat([routing, header, Buffer.from([0, 0, 2, 1, 2, 0, 0, 1, 3])]);
	const reader = new FrameReader();

	const frames = [...stream].flatMap((byte) => reader.read(Buffer.from([byte])));

	assert.deepEqual(
		frames.map((one) => [...one]),
		[[1, 2], [3]]
	);
	assert.throws(() => new FrameReader().read(Buffer.from('GET / HTTP/1.1')), /another protocol/);
});

/**
 * Lets Baileys check signatures in earnest, and trust one root.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} rootKey
 */
function beCareful(t, rootKey) {
	const { verify } = Curve;
	const trusted = WA_CERT_DETAILS.PUBLIC_KEY;
	Curve.verify = isSigned;
	WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, 'hex');
	t.after(() => {
		Curve.verify = verify;
		WA_CERT_DETAILS.PUBLIC_KEY = trusted;
	});
}

test('a client that checks every signature can be linked', async (t) => {
	const { server } = await startServer(t);
	beCareful(t, server.rootKey);

	await linkedClient(t, server);
});

test('a client that checks every signature refuses another root', async (t) => {
	const { server } = await startServer(t);
	beCareful(t, newChainKeys().root.public.toString('hex'));

	const client = new Client(t, server, newAuth());

	assert.equal(await client.end(), 400);
});

test('a client that checks every signature refuses a phone that did not sign', async (t) => {
	const { server, shop } = await startServer(t);
	beCareful(t, server.rootKey);
	const client = new Client(t, server, newAuth());

	const outcome = await server.linking.scan(shop, await client.qr(), { accountSignature: true });

	assert.equal(outcome.outcome, 'refused');
	assert.equal(shop.devices.size, 0);
});

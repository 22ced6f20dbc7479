/** Public keys of one Signal device, in the shapes in which WhatsApp's stanzas carry them. */
import { bigEndian, bytes, child, children, node, number } from './nodes.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {{ id: number, key: Buffer }} PublicPreKey key without its type byte (32 bytes)
 * @typedef {{ id: number, key: Buffer, signature: Buffer }} PublicSignedPreKey
 * @typedef {object} Bundle
 * @property {number} registrationId
 * @property {Buffer} identity 32 bytes
 * @property {PublicSignedPreKey} signedPreKey
 * @property {PublicPreKey} [preKey]
 */

/** The type byte of Curve25519 that Signal puts before a public key. */
export const KEY_TYPE = Buffer.from([5]);

/** @param {PublicPreKey} preKey */
function preKeyNode({ id, key }) {
	return node('key', {}, [node('id', {}, bigEndian(id, 3)), node('value', {}, key)]);
}

/** @param {PublicSignedPreKey} signed */
function signedPreKeyNode({ id, key, signature }) {
	return node('skey', {}, [
		node('id', {}, bigEndian(id, 3)),
		node('value', {}, key),
		node('signature', {}, signature)
	]);
}

/** The answer to "give me the keys of this device". @param {string} jid @param {Bundle} bundle */
export function bundleNode(jid, bundle) {
	return node('user', { jid }, [
		node('registration', {}, bigEndian(bundle.registrationId, 4)),
		node('type', {}, KEY_TYPE),
		node('identity', {}, bundle.identity),
		...(bundle.preKey ? [preKeyNode(bundle.preKey)] : []),
		signedPreKeyNode(bundle.signedPreKey)
	]);
}

/** What a retry receipt carries so that the sender can begin a new session. @param {Bundle} bundle */
export function retryKeysNode(bundle) {
	return node('keys', {}, [
		node('type', {}, KEY_TYPE),
		node('identity', {}, bundle.identity),
		...(bundle.preKey ? [preKeyNode(bundle.preKey)] : []),
		signedPreKeyNode(bundle.signedPreKey)
	]);
}

/** @param {Node | undefined} parent of an `skey` node @returns {PublicSignedPreKey | undefined} */
export function readSignedPreKey(parent) {
	const skey = child(parent, 'skey');
	return skey && { id: number(bytes(skey, 'id')), key: bytes(skey, 'value'), signature: bytes(skey, 'signature') };
}

/** @param {Node | undefined} list @returns {PublicPreKey[]} */
export function readPreKeys(list) {
	return children(list)
		.filter((one) => one.tag === 'key')
		.map((one) => ({ id: number(bytes(one, 'id')), key: bytes(one, 'value') }));
}

/** @param {Node} receipt a retry receipt @returns {Bundle | undefined} undefined when it carries no keys */
export function readRetryBundle(receipt) {
	const keys = child(receipt, 'keys');
	const signedPreKey = readSignedPreKey(keys);
	if (!keys || !signedPreKey) {
		return undefined;
	}
	return {
		registrationId: number(bytes(receipt, 'registration')),
		identity: bytes(keys, 'identity'),
		signedPreKey,
		preKey: readPreKeys(keys)[0]
	};
}

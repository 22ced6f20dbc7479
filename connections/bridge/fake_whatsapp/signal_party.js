/** One end of Signal sessions: a customer's phone, or the phone of an account's owner. */
import { Curve, generateRegistrationId, generateSignalPubKey } from 'baileys';
import * as libsignal from 'libsignal';
import { newKeyPair } from './certificates.js';

/**
 * @typedef {import('./certificates.js').KeyPair} KeyPair
 * @typedef {import('./key_bundles.js').Bundle} Bundle
 * @typedef {{ name: string, device: number }} Address of the other end
 * @typedef {object} PartyState
 * @property {KeyPair} identity
 * @property {number} registrationId
 * @property {{ id: number, pair: KeyPair, signature: Buffer | null }} signedPreKey signed when it is first asked for
 * @property {Record<string, KeyPair>} preKeys one-time keys that were handed out and not used yet
 * @property {number} nextPreKeyId
 * @property {Record<string, any>} sessions serialised session records by address
 */

/** @returns {PartyState} */
function newState() {
	return {
		identity: newKeyPair(),
		registrationId: generateRegistrationId(),
		signedPreKey: { id: 1, pair: newKeyPair(), signature: null },
		preKeys: {},
		nextPreKeyId: 1,
		sessions: {}
	};
}

/** @param {KeyPair} pair */
function signalPair(pair) {
	return { privKey: pair.private, pubKey: Buffer.from(generateSignalPubKey(pair.public)) };
}

export class SignalParty {
	/** @param {PartyState} [state] as kept from an earlier run */
	constructor(state = newState()) {
		this.state = state;
	}

	/** Public keys for whoever wants to begin a session, with a one-time key made for them. @returns {Bundle} */
	bundle() {
		const { identity, registrationId, signedPreKey, preKeys } = this.state;
		const preKey = newKeyPair();
		const id = this.state.nextPreKeyId++;
		preKeys[id] = preKey;
		signedPreKey.signature ??= this.sign(Buffer.from(generateSignalPubKey(signedPreKey.pair.public)));
		return {
			registrationId,
			identity: identity.public,
			signedPreKey: { id: signedPreKey.id, key: signedPreKey.pair.public, signature: signedPreKey.signature },
			preKey: { id, key: preKey.public }
		};
	}

	/** @param {Buffer} data */
	sign(data) {
		return Buffer.from(Curve.sign(this.state.identity.private, data));
	}

	/** @param {Address} address */
	hasSession({ name, device }) {
		return `${name}.${device}` in this.state.sessions;
	}

	/** Throws when the bundle's signature is not of its identity. @param {Address} address @param {Bundle} bundle */
	async beginSession(address, bundle) {
		const signedKey = Buffer.from(generateSignalPubKey(bundle.signedPreKey.key));
		const identityKey = Buffer.from(generateSignalPubKey(bundle.identity));
		if (!isSigned(identityKey, signedKey, bundle.signedPreKey.signature)) {
			throw new Error('The signed pre-key is not signed by the identity');
		}
		await new libsignal.SessionBuilder(this.#storage(), protocolAddress(address)).initOutgoing({
			registrationId: bundle.registrationId,
			identityKey,
			signedPreKey: {
				keyId: bundle.signedPreKey.id,
				publicKey: signedKey,
				signature: bundle.signedPreKey.signature
			},
			// An absent one-time key is allowed; the types of the library do not know that.
			preKey: /** @type {any} */ (
				bundle.preKey && {
					keyId: bundle.preKey.id,
					publicKey: Buffer.from(generateSignalPubKey(bundle.preKey.key))
				}
			)
		});
	}

	/**
	 * @param {Address} address
	 * @param {Uint8Array} plain
	 * @returns {Promise<{ type: 'pkmsg' | 'msg', ciphertext: Buffer }>}
	 */
	async encrypt(address, plain) {
		const cipher = new libsignal.SessionCipher(this.#storage(), protocolAddress(address));
		const { type, body } = await cipher.encrypt(Buffer.from(plain));
		return { type: type === 3 ? 'pkmsg' : 'msg', ciphertext: Buffer.from(/** @type {any} */ (body), 'binary') };
	}

	/** Throws when it cannot be read. @param {Address} address @param {string} type @param {Uint8Array} ciphertext */
	async decrypt(address, type, ciphertext) {
		const cipher = new libsignal.SessionCipher(this.#storage(), protocolAddress(address));
		const read = type === 'pkmsg' ? 'decryptPreKeyWhisperMessage' : 'decryptWhisperMessage';
		return Buffer.from(await cipher[read](Buffer.from(ciphertext)));
	}

	/** @returns {any} what the library wants of a store */
	#storage() {
		const { state } = this;
		return {
			loadSession: async (/** @type {string} */ id) =>
				state.sessions[id] ? libsignal.SessionRecord.deserialize(state.sessions[id]) : null,
			storeSession: async (/** @type {string} */ id, /** @type {any} */ record) => {
				state.sessions[id] = record.serialize();
			},
			isTrustedIdentity: () => true,
			loadPreKey: async (/** @type {number} */ id) => state.preKeys[id] && signalPair(state.preKeys[id]),
			removePreKey: async (/** @type {number} */ id) => {
				delete state.preKeys[id];
			},
			loadSignedPreKey: async () => signalPair(state.signedPreKey.pair),
			getOurRegistrationId: async () => state.registrationId,
			getOurIdentity: async () => signalPair(state.identity)
		};
	}
}

/**
 * A check of a signature that can fail: `Curve.verify` of Baileys 7.0.0-rc14 says yes to everything.
 *
 * @param {Uint8Array} key with or without its type byte
 * @param {Uint8Array} data
 * @param {Uint8Array} signature
 */
export function isSigned(key, data, signature) {
	try {
		const verify = /** @type {(...args: Buffer[]) => unknown} */ (
			/** @type {any} */ (libsignal).curve.verifySignature
		);
		return verify(Buffer.from(generateSignalPubKey(key)), Buffer.from(data), Buffer.from(signature)) === true;
	} catch {
		return false;
	}
}

/** @param {Address} address */
function protocolAddress({ name, device }) {
	return new libsignal.ProtocolAddress(name, device);
}

/** Linking by a code of eight characters, typed into the owner's phone: the phone's side of the crypto. */
import { randomBytes } from 'node:crypto';
import { aesDecryptCTR, aesDecryptGCM, aesEncryptCTR, Curve, derivePairingCodeKey, hkdf } from 'baileys';
import { newKeyPair } from './certificates.js';
import { bytes, node, SERVER, stanzaId, unixNow } from './nodes.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./registration.js').Registration} Registration
 * @typedef {{ secret: Buffer } | { error: string }} Outcome
 */

const SALT_SIZE = 32;
const IV_SIZE = 16;
const GCM_IV_SIZE = 12;
const KEY_SIZE = 32;

/** One attempt, begun by the client. */
export class CodePairing {
	/**
	 * @param {Registration} registration
	 * @param {string} phone for which the client asked
	 * @param {Buffer} wrapped the client's ephemeral key, encrypted under the code
	 */
	constructor(registration, phone, wrapped) {
		this.registration = registration;
		this.phone = phone;
		this.wrapped = wrapped;
		this.ref = randomBytes(16);
		this.ephemeral = newKeyPair();
		/** @type {Buffer} */
		this.clientEphemeral = Buffer.alloc(0);
		/** @type {Account | null} whose phone got the code */
		this.account = null;
		/** @type {((outcome: Outcome) => void) | null} */
		this.done = null;
	}

	/**
	 * The owner types the code. Resolves with the secret that both sides share now, or with what went
	 * wrong: a wrong code shows only when the client's last message cannot be opened.
	 *
	 * @param {Account} account
	 * @param {string} code
	 * @param {number} timeoutMs
	 * @returns {Promise<Outcome>}
	 */
	async enter(account, code, timeoutMs) {
		this.account = account;
		const clean = code.replace(/-/g, '').toUpperCase();
		const theirKey = await derivePairingCodeKey(clean, this.wrapped.subarray(0, SALT_SIZE));
		const theirIv = this.wrapped.subarray(SALT_SIZE, SALT_SIZE + IV_SIZE);
		this.clientEphemeral = aesDecryptCTR(this.wrapped.subarray(SALT_SIZE + IV_SIZE), theirKey, theirIv);
		const salt = randomBytes(SALT_SIZE);
		const iv = randomBytes(IV_SIZE);
		const ourKey = await derivePairingCodeKey(clean, salt);
		const wrapped = Buffer.concat([salt, iv, aesEncryptCTR(this.ephemeral.public, ourKey, iv)]);
		/** @type {Promise<Outcome>} */
		const outcome = new Promise((done) => {
			this.done = done;
			setTimeout(() => done({ error: 'The device did not answer' }), timeoutMs).unref();
		});
		this.registration.connection.send(
			node('notification', { from: SERVER, type: 'link_code_companion_reg', id: stanzaId(), t: unixNow() }, [
				node('link_code_companion_reg', { stage: 'primary_hello' }, [
					node('link_code_pairing_wrapped_primary_ephemeral_pub', {}, wrapped),
					node('primary_identity_pub', {}, account.party.state.identity.public),
					node('link_code_pairing_ref', {}, this.ref)
				])
			])
		);
		return outcome;
	}

	/**
	 * The client's last message: both identities, encrypted under what the two ephemeral keys agree on.
	 *
	 * @param {Node} reg
	 */
	finish(reg) {
		if (!this.account || !this.done) {
			return;
		}
		try {
			this.done({ secret: this.#open(this.account, reg) });
		} catch {
			this.done({ error: 'The code is wrong' });
		}
	}

	/** @param {Account} account @param {Node} reg @returns {Buffer} the secret for the HMAC of `pair-success` */
	#open(account, reg) {
		const bundle = bytes(reg, 'link_code_pairing_wrapped_key_bundle');
		const ephemeralSecret = Curve.sharedKey(this.ephemeral.private, this.clientEphemeral);
		const key = hkdf(ephemeralSecret, 32, {
			salt: bundle.subarray(0, SALT_SIZE),
			info: 'link_code_pairing_key_bundle_encryption_key'
		});
		const iv = bundle.subarray(SALT_SIZE, SALT_SIZE + GCM_IV_SIZE);
		const opened = aesDecryptGCM(bundle.subarray(SALT_SIZE + GCM_IV_SIZE), Buffer.from(key), iv, Buffer.alloc(0));
		const identity = opened.subarray(0, KEY_SIZE);
		const ours = opened.subarray(KEY_SIZE, 2 * KEY_SIZE);
		const random = opened.subarray(2 * KEY_SIZE);
		const own = account.party.state.identity;
		if (!ours.equals(own.public) || !identity.equals(this.registration.identity)) {
			throw new Error('The keys in the bundle are of somebody else');
		}
		const identitySecret = Curve.sharedKey(own.private, identity);
		return Buffer.from(hkdf(Buffer.concat([ephemeralSecret, identitySecret, random]), 32, { info: 'adv_secret' }));
	}
}

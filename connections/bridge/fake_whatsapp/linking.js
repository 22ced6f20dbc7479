/** What the owner does on the phone under "Linked devices". Every answer is in plain words. */
import { digits } from './people.js';
import { readQr } from './registration.js';

/**
 * @typedef {import('./connection.js').Connection} Connection
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./registration.js').Registration} Registration
 * @typedef {import('./registration.js').Forgery} Forgery
 * @typedef {object} Outcome
 * @property {'linked' | 'unknown_code' | 'expired' | 'passkey_required' | 'secret_retired' | 'wrong_code' | 'refused'} outcome
 * @property {string} say
 * @property {number} [device]
 */

const SIGN_WITHIN_MS = 10_000;
/** The phone derives two keys from the code, deliberately slow ones, and so does the client. */
const CODE_WITHIN_MS = 20_000;

/** @type {Record<Outcome['outcome'], string>} */
const SAID = {
	linked: 'The device is linked.',
	unknown_code: 'This code is not valid, or not any more. Ask for a new one.',
	expired: 'This code is too old. Ask for a new one.',
	passkey_required: 'Continue on WhatsApp Web: this account needs a passkey to link a device.',
	secret_retired: 'Could not link the device. Try to scan the code again.',
	wrong_code: 'The code is wrong. Ask for a new one.',
	refused: 'The device refused to be linked, or did not answer.'
};

export class Linking {
	/** @param {() => Iterable<Connection>} connections */
	constructor(connections) {
		this.connections = connections;
		/** Whether every first scan makes the client choose a new secret. */
		this.rotatesOnScan = false;
		/** Whether nobody gets a code to type. */
		this.refusesCodes = false;
	}

	/**
	 * Throws when it is no QR code for linking at all.
	 *
	 * @param {Account} account
	 * @param {string} qr
	 * @param {Forgery} [forge]
	 * @returns {Promise<Outcome>}
	 */
	async scan(account, qr, forge = {}) {
		const { ref, noiseKey, identity, secret } = readQr(qr);
		const registration = this.#waiting().find((one) => one.refs.includes(ref));
		if (
			!registration ||
			!registration.identity.equals(identity) ||
			!registration.connection.clientKey.equals(noiseKey)
		) {
			return outcome('unknown_code');
		}
		if (Date.now() > registration.expiresAt) {
			return outcome('expired');
		}
		if (account.needsPasskey) {
			registration.askForPasskey(account.passkeyNotice);
			return outcome('passkey_required');
		}
		if (this.rotatesOnScan && registration.retiredSecrets.size === 0) {
			registration.rotate(secret);
		}
		if (registration.rotationId !== null || registration.retiredSecrets.has(secret)) {
			return outcome('secret_retired');
		}
		return this.#link(registration, account, Buffer.from(secret, 'base64'), forge);
	}

	/**
	 * @param {Account} account
	 * @param {string} code eight characters, with or without a dash
	 * @returns {Promise<Outcome>}
	 */
	async enterCode(account, code) {
		const registration = this.#waiting()
			.filter((one) => one.pairing && digits(one.pairing.phone) === account.phone)
			.at(-1);
		if (!registration?.pairing) {
			return outcome('unknown_code');
		}
		if (account.needsPasskey) {
			registration.askForPasskey(account.passkeyNotice);
			return outcome('passkey_required');
		}
		const answer = await registration.pairing.enter(account, code, CODE_WITHIN_MS);
		if ('error' in answer) {
			return outcome('wrong_code');
		}
		return this.#link(registration, account, answer.secret, {});
	}

	/** Retires the secrets of all clients that wait to be linked. @param {string} [qr] that is shown now */
	rotateSecrets(qr) {
		const shown = qr === undefined ? undefined : readQr(qr);
		const waiting = this.#waiting().filter((one) => shown === undefined || one.refs.includes(shown.ref));
		for (const registration of waiting) {
			registration.rotate(shown?.secret);
		}
		return waiting.length;
	}

	/** @param {Registration} registration @param {Account} account @param {Buffer} secret @param {Forgery} forge */
	async #link(registration, account, secret, forge) {
		const number = account.nextDevice;
		const isLinked = await registration.link(account, secret, forge, SIGN_WITHIN_MS);
		return isLinked ? { ...outcome('linked'), device: number } : outcome('refused');
	}

	#waiting() {
		return [...this.connections()].map(({ registration }) => registration).filter((one) => one !== null);
	}
}

/** @param {Outcome['outcome']} what @returns {Outcome} */
function outcome(what) {
	return { outcome: what, say: SAID[what] };
}

/** Encryption at rest: AES-256-GCM, one data key for each session, wrapped by a key of the environment. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** The bytes were made with another key, for another place, or are damaged. The message names the place. */
export class Unreadable extends Error {
	name = 'Unreadable';
}

/**
 * @param {Buffer} key 32 bytes
 * @param {string} place the associated data: bytes of one place cannot be opened in another
 * @param {Uint8Array} plain
 * @returns {Buffer} nonce, ciphertext, tag
 */
export function seal(key, place, plain) {
	const nonce = randomBytes(NONCE_BYTES);
	const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
	return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/**
 * @param {Buffer} key
 * @param {string} place
 * @param {Buffer} sealed
 * @returns {Buffer}
 * @throws {Unreadable}
 */
export function open(key, place, sealed) {
	try {
		const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES));
		decipher.setAAD(Buffer.from(place)).setAuthTag(sealed.subarray(-TAG_BYTES));
		return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
	} catch {
		throw new Unreadable(place);
	}
}

export class Keyring {
	/** @param {Map<string, Buffer>} keys the first one wraps */
	constructor(keys) {
		this.keys = keys;
		/** Id of the key that wraps. */
		this.current = /** @type {string} */ (keys.keys().next().value);
	}

	/** @param {string} written `id:base64,...`; throws when it is anything else */
	static parse(written) {
		/** @type {Map<string, Buffer>} */
		const keys = new Map();
		for (const pair of written.split(',')) {
			const [, id, value] = /^\s*([\w.-]+):([A-Za-z0-9+/_=-]+)\s*$/.exec(pair) ?? [];
			const key = Buffer.from(value ?? '', 'base64');
			if (!id || key.length !== KEY_BYTES || keys.has(id)) {
				throw new Error('Not a list of keys');
			}
			keys.set(id, key);
		}
		return new Keyring(keys);
	}

	/** A fresh data key and its wrapped form. @param {string} place */
	newDataKey(place) {
		const dataKey = randomBytes(KEY_BYTES);
		return { dataKey, ...this.wrap(place, dataKey) };
	}

	/** @param {string} place @param {Buffer} dataKey */
	wrap(place, dataKey) {
		return { keyId: this.current, wrapped: seal(/** @type {Buffer} */ (this.keys.get(this.current)), place, dataKey) };
	}

	/** @param {string} place @param {string} keyId @param {Buffer} wrapped @throws {Unreadable} */
	unwrap(place, keyId, wrapped) {
		const key = this.keys.get(keyId);
		if (!key) {
			throw new Unreadable(`${place} (key "${keyId}" is not in BACKROOM_KEYS)`);
		}
		return open(key, place, wrapped);
	}
}

/** The answering side of Noise_XX_25519_AESGCM_SHA256, as WhatsApp Web speaks it. */
import { aesDecryptGCM, aesEncryptGCM, Curve, hkdf, NOISE_MODE, NOISE_WA_HEADER, proto, sha256 } from 'baileys';
import { newKeyPair } from './certificates.js';

/** @typedef {import('./certificates.js').KeyPair} KeyPair */

const NOTHING = Buffer.alloc(0);

/** Nonce of the n-th message under one key: eight zero bytes, then n in big endian. @param {number} n */
function nonce(n) {
	const iv = Buffer.alloc(12);
	iv.writeUInt32BE(n, 8);
	return iv;
}

/** One handshake and then one encrypted channel. Every method throws when the other side cheats. */
export class NoiseResponder {
	/**
	 * @param {KeyPair} staticKey
	 * @param {Uint8Array} certificates the payload of the server's hello
	 */
	constructor(staticKey, certificates) {
		this.staticKey = staticKey;
		this.certificates = certificates;
		this.ephemeral = newKeyPair();
		/** @type {Buffer} */
		this.hash = Buffer.from(NOISE_MODE);
		/** @type {Buffer} */
		this.chainingKey = this.hash;
		/** @type {Buffer} */
		this.key = this.hash;
		this.counter = 0;
		/** @type {{ key: Buffer, counter: number } | null} */
		this.sending = null;
		/** @type {{ key: Buffer, counter: number } | null} */
		this.receiving = null;
		this.#mixHash(NOISE_WA_HEADER);
	}

	/**
	 * Answers the client's hello.
	 *
	 * @param {Uint8Array} frame
	 * @returns {Uint8Array} an encoded `HandshakeMessage` with the server's hello
	 */
	answerHello(frame) {
		const theirs = proto.HandshakeMessage.decode(frame).clientHello?.ephemeral;
		if (theirs?.length !== 32) {
			throw new Error('The first frame is no hello');
		}
		this.#mixHash(theirs);
		this.#mixHash(this.ephemeral.public);
		this.#mixKey(Curve.sharedKey(this.ephemeral.private, theirs));
		const encryptedStatic = this.#encrypt(this.staticKey.public);
		this.#mixKey(Curve.sharedKey(this.staticKey.private, theirs));
		const payload = this.#encrypt(this.certificates);
		return proto.HandshakeMessage.encode({
			serverHello: { ephemeral: this.ephemeral.public, static: encryptedStatic, payload }
		}).finish();
	}

	/**
	 * Reads the client's last frame of the handshake and opens the channel.
	 *
	 * @param {Uint8Array} frame
	 * @returns {{ clientKey: Buffer, payload: proto.ClientPayload }}
	 */
	finish(frame) {
		const finish = proto.HandshakeMessage.decode(frame).clientFinish;
		if (!finish?.static || !finish.payload) {
			throw new Error('The second frame does not finish the handshake');
		}
		const clientKey = this.#decrypt(finish.static);
		this.#mixKey(Curve.sharedKey(this.ephemeral.private, clientKey));
		const payload = proto.ClientPayload.decode(this.#decrypt(finish.payload));
		const [fromClient, toClient] = this.#expand(NOTHING);
		this.receiving = { key: fromClient, counter: 0 };
		this.sending = { key: toClient, counter: 0 };
		return { clientKey, payload };
	}

	/** @param {Uint8Array} plain */
	seal(plain) {
		if (!this.sending) {
			throw new Error('The handshake is not finished');
		}
		return aesEncryptGCM(plain, this.sending.key, nonce(this.sending.counter++), NOTHING);
	}

	/** @param {Uint8Array} sealed */
	open(sealed) {
		if (!this.receiving) {
			throw new Error('The handshake is not finished');
		}
		return aesDecryptGCM(sealed, this.receiving.key, nonce(this.receiving.counter++), NOTHING);
	}

	/** @param {Uint8Array} data */
	#mixHash(data) {
		this.hash = sha256(Buffer.concat([this.hash, data]));
	}

	/** @param {Uint8Array} secret */
	#mixKey(secret) {
		[this.chainingKey, this.key] = this.#expand(secret);
		this.counter = 0;
	}

	/** @param {Uint8Array} secret @returns {[Buffer, Buffer]} */
	#expand(secret) {
		const both = Buffer.from(hkdf(secret, 64, { salt: this.chainingKey, info: '' }));
		return [both.subarray(0, 32), both.subarray(32)];
	}

	/** @param {Uint8Array} plain */
	#encrypt(plain) {
		const sealed = aesEncryptGCM(plain, this.key, nonce(this.counter++), this.hash);
		this.#mixHash(sealed);
		return sealed;
	}

	/** @param {Uint8Array} sealed */
	#decrypt(sealed) {
		const plain = aesDecryptGCM(sealed, this.key, nonce(this.counter++), this.hash);
		this.#mixHash(sealed);
		return plain;
	}
}

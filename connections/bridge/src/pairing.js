/** What the owner sees while a device is being linked: a QR that changes, or a code. */
import * as hardening from './hardening.js';

/** @typedef {import('baileys').WASocket} Socket */

/** How long Baileys shows the first ref and the later ones (lib/Socket/socket.js, genPairQR). */
const FIRST_QR_MS = 60_000;
const QR_MS = 20_000;
/** So many refs: the server hangs up after them. */
const REFS = 6;
/** For the server's answer to the request for a code. */
const ANSWER_MS = 5000;

/** WhatsApp's server wants no code for this number. */
export class CodeRefused extends Error {
	name = 'CodeRefused';

	/** @param {number | null} code */
	constructor(code) {
		super('The server refused the code');
		this.code = code;
	}
}

export class Pairing {
	#secret = '';
	#qr = '';
	#count = 0;

	/** @param {import('./session.js').Session} session */
	constructor(session) {
		this.session = session;
		const { qrMs } = session.shared.settings;
		this.firstMs = qrMs ?? FIRST_QR_MS;
		this.laterMs = qrMs ?? QR_MS;
	}

	/** @param {Socket} socket not linked yet, or it does nothing @param {any} creds @param {() => boolean} live */
	watch(socket, creds, live) {
		this.#secret = creds.advSecretKey;
		this.#qr = '';
		this.#count = 0;
		hardening.followSecretRotation(socket, creds, () => {
			if (live() && this.session.wish.link_method === 'qr' && this.#qr !== '') {
				void this.#put('qr', hardening.withSecret(this.#qr, this.#secret, creds.advSecretKey), this.laterMs).catch(() => {});
			}
		});
	}

	/**
	 * A code is asked for only after the first QR: before it the server refuses (Baileys#369).
	 *
	 * @param {Socket} socket
	 * @param {any} creds
	 * @param {string} qr
	 * @param {() => boolean} live
	 * @throws {CodeRefused}
	 */
	async show(socket, creds, qr, live) {
		this.#count += 1;
		this.#qr = qr;
		if (this.session.wish.link_method === 'qr') {
			const shown = hardening.withSecret(qr, this.#secret, creds.advSecretKey);
			await this.#put('qr', shown, this.#count === 1 ? this.firstMs : this.laterMs);
		} else if (this.#count === 1) {
			const code = await this.#code(socket);
			if (live()) {
				await this.#put('code', code, this.firstMs + (REFS - 1) * this.laterMs);
			}
		}
	}

	/**
	 * Baileys gives the code before the server has said anything about it (Baileys#2737); one that it
	 * refused is worth nothing.
	 *
	 * @param {Socket} socket
	 */
	async #code(socket) {
		// The id of the request is the one after this: Baileys counts.
		const id = socket.generateMessageTag().replace(/\d+$/, (number) => String(Number(number) + 1));
		const answered = socket.waitForMessage(id, ANSWER_MS).catch(() => undefined);
		const code = await socket.requestPairingCode(String(this.session.wish.link_phone).replace(/\D/g, ''));
		const answer = /** @type {import('baileys').BinaryNode | undefined} */ (await answered);
		if (answer?.attrs.type === 'error') {
			const [error] = Array.isArray(answer.content) ? answer.content : [];
			throw new CodeRefused(Number(error?.attrs.code) || null);
		}
		return code;
	}

	/** @param {'qr' | 'code'} kind @param {string} value @param {number} forMs */
	async #put(kind, value, forMs) {
		const shown = JSON.stringify({ kind, value, expires_at: new Date(Date.now() + forMs).toISOString() });
		if (this.session.state === 'pairing') {
			await this.session.store.write({ pairing: shown });
		} else {
			await this.session.become('pairing', { reason: this.session.note, fields: { pairing: shown } });
		}
	}
}

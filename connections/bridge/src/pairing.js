/** What the owner sees while a device is being linked: a QR that changes, or a code. */
import * as hardening from './hardening.js';

/** @typedef {import('baileys').WASocket} Socket */

/** How long Baileys shows the first ref and the later ones (lib/Socket/socket.js, genPairQR). */
const FIRST_QR_MS = 60_000;
const QR_MS = 20_000;
/** Six refs: the server hangs up after them. */
const CODE_MS = 160_000;

export class Pairing {
	#secret = '';
	#qr = '';
	#count = 0;

	/** @param {import('./session.js').Session} session */
	constructor(session) {
		this.session = session;
	}

	/** @param {Socket} socket not linked yet, or it does nothing @param {any} creds @param {() => boolean} live */
	watch(socket, creds, live) {
		this.#secret = creds.advSecretKey;
		this.#count = 0;
		hardening.followSecretRotation(socket, creds, () => {
			if (live() && this.session.wish.link_method === 'qr' && this.#qr !== '') {
				void this.#put('qr', hardening.withSecret(this.#qr, this.#secret, creds.advSecretKey), QR_MS).catch(() => {});
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
	 */
	async show(socket, creds, qr, live) {
		this.#count += 1;
		this.#qr = qr;
		const { link_method: method, link_phone: phone } = this.session.wish;
		if (method === 'qr') {
			await this.#put('qr', hardening.withSecret(qr, this.#secret, creds.advSecretKey), this.#count === 1 ? FIRST_QR_MS : QR_MS);
		} else if (this.#count === 1) {
			const code = await socket.requestPairingCode(String(phone).replace(/\D/g, ''));
			if (live()) {
				await this.#put('code', code, CODE_MS);
			}
		}
	}

	/** @param {'qr' | 'code'} kind @param {string} value @param {number} forMs */
	async #put(kind, value, forMs) {
		const shown = JSON.stringify({ kind, value, expires_at: new Date(Date.now() + forMs).toISOString() });
		if (this.session.state === 'pairing') {
			await this.session.store.write({ pairing: shown });
		} else {
			await this.session.become('pairing', { fields: { pairing: shown } });
		}
	}
}

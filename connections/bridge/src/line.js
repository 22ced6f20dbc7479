/** The line of one session to WhatsApp: one socket at a time, from the gate to its end. */
import { initAuthCreds } from 'baileys';
import { detectPasskey, withStatus } from './hardening.js';
import { holdBack } from './holding.js';
import { Lifeline } from './lifeline.js';
import { makeSocket } from './sockets.js';
import { Timers } from './timers.js';

/**
 * @typedef {import('baileys').WASocket} Socket
 *
 * @typedef {object} Hears what the session does about its line
 * @property {(run: () => Promise<unknown>) => Promise<void>} supervised whatever happens, it is this session's fault only
 * @property {(creds: any) => Promise<void>} keep settled when the creds are stored
 * @property {() => Promise<void>} scanned the phone has agreed
 * @property {(socket: Socket) => Promise<void>} opened
 * @property {() => Promise<void>} passkey
 * @property {(error: any) => Promise<void>} ended
 */

/** Neither a QR nor an open connection after this long: the server is silent. */
const HANDSHAKE_MS = 45_000;
/** Milliseconds that others may take for what usually comes at once; tests make them shorter. */
export const PATIENCE = {
	/** The phone has agreed: the server asks for a new connection. */
	restart: 10_000,
	/** The login has succeeded: Baileys says so when its first questions are answered. */
	opening: 12_000
};
/** For whoever does not answer a goodbye. */
export const CLOSE_MS = 3000;

export class Line {
	/** @type {Socket | null} */
	socket = null;
	/** Counts up with each socket and each change of mind: what belongs to an older one is not heard. */
	turn = 0;
	/** @type {Lifeline | null} */
	#lifeline = null;
	#hasOpened = false;

	/** @param {import('./session.js').Session} session @param {Hears} hears */
	constructor(session, hears) {
		this.session = session;
		this.hears = hears;
		/** Stopped with the line. */
		this.timers = new Timers((run) => (session.isDone ? undefined : hears.supervised(async () => run())));
	}

	/** Connects as soon as the gate lets it. */
	async dial() {
		const turn = ++this.turn;
		this.#hasOpened = false;
		const live = () => this.turn === turn && !this.session.isDone;
		const leave = await this.session.shared.gate.enter();
		try {
			if (live()) {
				this.#connect(live, leave);
			} else {
				leave();
			}
		} catch (error) {
			// Nobody else could get in again.
			leave();
			throw error;
		}
	}

	async hangUp() {
		this.turn += 1;
		const { socket } = this;
		this.socket = null;
		this.timers.clear();
		if (socket) {
			// A server that is gone does not answer the closing frame.
			await Promise.race([Promise.resolve(socket.end(undefined)).catch(() => {}), pause(CLOSE_MS)]);
		}
	}

	/** The line has ended by itself. */
	lose() {
		this.turn += 1;
		this.socket = null;
	}

	/** Whether the server gives a sign of life; if not, the line is ended. Only with a socket. */
	probe() {
		return /** @type {Lifeline} */ (this.#lifeline).probe();
	}

	/** @param {() => boolean} live @param {() => void} leave the gate, when the handshake is over */
	#connect(live, leave) {
		const { session, hears } = this;
		void this.socket?.end(undefined);
		// An attempt to link that failed leaves half an identity; each one begins with a new one.
		const creds = session.creds ?? initAuthCreds();
		const socket = makeSocket(session, creds, live);
		this.socket = socket;
		this.#lifeline = new Lifeline(socket);
		const silent = this.timers.later(HANDSHAKE_MS, () => live() && void socket.end(withStatus('Silent server', 408)));
		const answered = () => {
			leave();
			this.timers.cancel(silent);
		};
		session.pairing.watch(socket, creds, live);
		detectPasskey(socket, () => live() && void hears.supervised(hears.passkey));
		socket.ev.on('creds.update', () => {
			if (live() && creds.account) {
				this.#keep(socket, creds);
			}
		});
		socket.ws.on('CB:success', () => {
			answered();
			this.timers.later(PATIENCE.opening, () => (live() ? this.#opened(socket) : undefined));
		});
		socket.ev.on('connection.update', ({ connection, qr, isNewLogin, lastDisconnect }) => {
			if (qr || connection === 'open' || connection === 'close') {
				answered();
			}
			if (!live()) {
				return;
			}
			void hears.supervised(async () => {
				if (qr && !creds.account) {
					await session.pairing.show(socket, creds, qr, live);
				} else if (isNewLogin) {
					this.timers.later(PATIENCE.restart, () => live() && void socket.end(withStatus('No restart', 515)));
					await hears.scanned();
				} else if (connection === 'open') {
					await this.#opened(socket);
				} else if (connection === 'close') {
					this.lose();
					await hears.ended(lastDisconnect?.error);
				}
			});
		});
	}

	/** @param {Socket} socket @param {any} creds */
	#keep(socket, creds) {
		const isFirst = this.session.creds === null;
		const kept = this.hears.keep(creds);
		if (isFirst) {
			holdBack(socket, kept);
		}
		void this.hears.supervised(() => kept);
	}

	/** @param {Socket} socket */
	async #opened(socket) {
		if (!this.#hasOpened) {
			this.#hasOpened = true;
			await this.hears.opened(socket);
		}
	}
}

/** @param {number} ms */
export function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

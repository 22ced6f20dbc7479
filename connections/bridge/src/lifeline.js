/**
 * Notices when the other end has gone silent, and hangs up without waiting for its goodbye.
 *
 * Baileys' own keep-alive looks once per interval, so it needs up to twice as long, and its `end`
 * waits half a minute for a closing frame that a pulled cable never answers (`ws`, closeTimeout). It is
 * put to rest (sockets.js); this asks instead.
 */
import { withStatus } from './hardening.js';

/** @typedef {import('baileys').WASocket} Socket */

/** Milliseconds; tests make them shorter. */
export const LIFE = {
	ping: 10_000,
	/** A server that answers pings is missed after this long. */
	silent: 16_000,
	/** One that never answered any may do so for a reason of its own, as long as it says something. */
	mute: 65_000,
	look: 1000,
	/** For the answer to a probe. */
	answer: 8000,
	/** For the closing frame of the other side. */
	goodbye: 1000
};

export class Lifeline {
	#heardAt = performance.now();
	#pingedAt = 0;
	#hasAnswered = false;
	/** The answer to the last ping. @type {string | null} */
	#awaited = null;
	/** @type {NodeJS.Timeout | undefined} */
	#timer;
	/** @type {Promise<boolean> | null} */
	#probe = null;

	/** @param {Socket} socket */
	constructor(socket) {
		this.socket = socket;
		hangUpQuickly(socket);
		socket.ws.on('frame', (/** @type {unknown} */ frame) => {
			this.#heardAt = performance.now();
			// The handshake's frame is bytes; a question in the midst of it would break it.
			if (!(frame instanceof Uint8Array)) {
				this.#timer ??= setInterval(() => this.#look(), LIFE.look);
			}
		});
		socket.ev.on('connection.update', ({ connection }) => {
			if (connection === 'close') {
				clearInterval(this.#timer);
			}
		});
	}

	/**
	 * Asks for a sign of life. Any word of the server is one: some do not answer pings.
	 *
	 * @returns {Promise<boolean>} false: none came, and the socket has been ended
	 */
	probe() {
		this.#probe ??= this.#ask().finally(() => (this.#probe = null));
		return this.#probe;
	}

	async #ask() {
		const { ws } = this.socket;
		/** @type {NodeJS.Timeout | undefined} */
		let timer;
		/** @type {(isAlive: boolean) => void} */
		let settle = () => {};
		const heard = () => settle(true);
		const closed = () => settle(false);
		try {
			const isAlive = await new Promise((resolve) => {
				settle = resolve;
				ws.once('frame', heard);
				ws.once('close', closed);
				timer = setTimeout(closed, LIFE.answer);
				this.#ping();
			});
			if (!isAlive) {
				this.#end();
			}
			return isAlive;
		} finally {
			clearTimeout(timer);
			ws.off('frame', heard);
			ws.off('close', closed);
		}
	}

	#look() {
		const now = performance.now();
		if (now - this.#heardAt > (this.#hasAnswered ? LIFE.silent : LIFE.mute)) {
			this.#end();
		} else if (now - this.#pingedAt > LIFE.ping) {
			this.#ping();
		}
	}

	#ping() {
		const { ws } = this.socket;
		this.#pingedAt = performance.now();
		if (this.#awaited) {
			ws.removeAllListeners(this.#awaited);
		}
		const id = this.socket.generateMessageTag();
		this.#awaited = `TAG:${id}`;
		ws.once(this.#awaited, () => (this.#hasAnswered = true));
		const attrs = { id, to: '@s.whatsapp.net', type: 'get', xmlns: 'w:p' };
		// A line that cannot be written to ends by itself.
		this.socket.sendNode({ tag: 'iq', attrs, content: [{ tag: 'ping', attrs: {} }] }).catch(() => {});
	}

	#end() {
		clearInterval(this.#timer);
		const line = /** @type {any} */ (this.socket.ws).socket;
		void this.socket.end(withStatus('The server is silent', 408));
		// It has said nothing for so long: no goodbye will come.
		line?.terminate();
	}
}

/** Lets no closing handshake last longer than a moment. @param {Socket} socket */
function hangUpQuickly(socket) {
	const ws = /** @type {any} */ (socket.ws);
	const close = ws.close.bind(ws);
	ws.close = async () => {
		const line = ws.socket;
		const timer = setTimeout(() => line?.terminate(), LIFE.goodbye);
		try {
			await close();
		} finally {
			clearTimeout(timer);
		}
	};
}

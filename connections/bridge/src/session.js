/** One linked device: links it, keeps it connected, tells its state. Owned by one process at a time. */
import { initAuthCreds } from 'baileys';
import { makeCaches } from './cache.js';
import { Fenced } from './database.js';
import * as hardening from './hardening.js';
import { listen } from './hearing.js';
import { lidOf, phoneOf } from './inbound.js';
import { Unreadable } from './keyring.js';
import { Lifeline } from './lifeline.js';
import { kindOf, log } from './log.js';
import { Memory } from './memory.js';
import { Outbound, Refused } from './outbound.js';
import { Pairing } from './pairing.js';
import { backoffMs, react } from './policy.js';
import { earsOf, makeSocket } from './sockets.js';
import { Store } from './store.js';

/**
 * @typedef {import('./leases.js').Row} Row
 * @typedef {import('./leases.js').Wish} Wish
 *
 * @typedef {object} Shared what all sessions of a process have in common
 * @property {import('pg').Pool} pool
 * @property {import('./keyring.js').Keyring} keyring
 * @property {import('./events.js').Events} events
 * @property {import('./gate.js').Gate} gate
 * @property {Pick<import('./settings.js').Settings, 'server' | 'version' | 'typingMs' | 'textsPerMinute'>} settings
 * @property {(session: Session, why: 'rest' | 'fenced') => void} onDone
 */

/** Neither a QR nor an open connection after this long: the server is silent. */
const HANDSHAKE_MS = 45_000;
const STABLE_MS = 60_000;
const CALM_MS = 300_000;
const UNLINK_MS = 60_000;
const CLOSE_MS = 3000;
const MOST_FAULTS = 5;

export class Session {
	/** @type {import('baileys').WASocket | null} */
	#socket = null;
	/** @type {Lifeline | null} */
	#lifeline = null;
	/** Counts up with each socket and each change of mind: what belongs to an older one is not heard. */
	#turn = 0;
	/** @type {Set<NodeJS.Timeout>} */
	#timers = new Set();
	#isDone = false;
	/** No more sends; what is under way may end. */
	#isLeaving = false;
	#openedAt = 0;
	#cutAt = 0;
	#tries = 0;
	#badSessions = 0;
	#replacements = 0;

	/** @param {Row} row as it was claimed @param {Shared} shared */
	constructor(row, shared) {
		this.id = row.id;
		this.epoch = row.epoch;
		this.shared = shared;
		this.wish = /** @type {Wish} */ (row);
		this.linkedSerial = row.linked_serial;
		this.state = row.state;
		this.phone = row.phone;
		this.lid = row.lid;
		/** @type {any} */
		this.creds = null;
		this.store = new Store(shared.pool, shared.keyring, row, (error) => this.#broken(error));
		this.pairing = new Pairing(this);
		this.outbound = new Outbound(this, shared.settings);
		/** @type {Memory<import('./hearing.js').Recent>} */
		this.recent = new Memory(300);
		/** @type {Memory<string>} */
		this.lastOf = new Memory(300);
		/** @type {Memory<string>} */
		this.opaques = new Memory(1000);
		this.caches = makeCaches();
	}

	/** Opens the keys and goes to work. Never throws. @param {Row} row */
	start(row) {
		return this.#supervised(async () => {
			this.creds = await this.store.load(row);
			await this.#work();
		});
	}

	/** Follows what Backroom wants now. @param {Wish} wish */
	follow(wish) {
		const isNew = wish.wanted !== this.wish.wanted || wish.link_serial > Math.max(this.wish.link_serial, this.linkedSerial);
		this.wish = wish;
		if (isNew && !this.#isDone) {
			this.#tries = 0;
			void this.#supervised(() => this.#hangUp().then(() => this.#work()));
		}
	}

	/** Closes the socket and waits for what is being written; the lease stays. */
	async close() {
		this.#isLeaving = true;
		await this.outbound.idle(CLOSE_MS);
		this.#isDone = true;
		await this.#hangUp();
		await Promise.race([this.store.idle(), pause(CLOSE_MS)]);
	}

	/** Lets go at once: the session is somebody else's. */
	drop() {
		this.#isDone = true;
		void this.#hangUp();
	}

	isOpen() {
		return this.state === 'open' && this.#socket !== null && !this.#isDone;
	}

	/** @throws {Refused} */
	openSocket() {
		if (!this.isOpen() || this.#isLeaving) {
			throw new Refused(409, 'not_open', this.state);
		}
		return /** @type {import('baileys').WASocket} */ (this.#socket);
	}

	/** Whether WhatsApp's server gives a sign of life; if not, the session is connecting anew. @throws {Refused} */
	async probe() {
		this.openSocket();
		return /** @type {Lifeline} */ (this.#lifeline).probe();
	}

	/** @param {string} waId @param {string} opaque @param {Uint8Array} message */
	async keepSent(waId, opaque, message) {
		this.opaques.set(waId, opaque);
		await this.store.keepSent(waId, opaque, message);
	}

	/**
	 * Writes the row and tells Backroom. A database that is away must not cut a connection that works.
	 *
	 * @param {string} state
	 * @param {{ code?: number | null, reason?: string | null, until?: Date | null, fields?: Record<string, any> }} [more]
	 */
	async become(state, { code = null, reason = null, until = null, fields = {} } = {}) {
		const pairing = state === 'pairing' ? {} : { pairing: null };
		this.state = state;
		const { id: session, phone, lid } = this;
		this.shared.events.tell({ session, type: 'state', state, code, reason, until: until?.toISOString() ?? null, phone, lid });
		log('bridge.session.changed', { session: this.id, state, code, reason });
		const row = { state, state_code: code, state_reason: reason, state_until: until, state_at: new Date() };
		await this.#insist(() => this.store.write({ ...row, ...pairing, ...fields }));
	}

	async #work() {
		const { wanted, link_serial: serial } = this.wish;
		if (wanted === 'off') {
			await this.become('off');
			this.#rest();
		} else if (wanted === 'logout') {
			await this.#unlink();
		} else if (serial > this.linkedSerial || this.creds === null) {
			await this.store.begin();
			this.linkedSerial = serial;
			this.creds = null;
			Object.assign(this, { phone: null, lid: null });
			if (this.wish.link_method === 'code' && !/^\+?\d{6,15}$/.test(this.wish.link_phone ?? '')) {
				await this.become('expired', { reason: 'no_phone', fields: { linked_serial: serial } });
				this.#rest();
				return;
			}
			await this.become('connecting', { fields: { linked_serial: serial, phone: null, lid: null, push_name: null } });
			await this.#connect();
		} else {
			await this.become('connecting');
			await this.#connect();
		}
	}

	async #unlink() {
		if (this.creds === null) {
			await this.#forget('logout');
			return;
		}
		// A phone that cannot be told drops the silent device by itself; the keys go in any case.
		this.#later(UNLINK_MS, () => this.#forget('logout'));
		await this.become('connecting');
		await this.#connect();
	}

	/** Erases the keys and rests. @param {string} reason @param {number | null} [code] */
	async #forget(reason, code = null) {
		await this.#hangUp();
		await this.store.erase();
		this.creds = null;
		await this.become('logged_out', { code, reason });
		this.#rest();
	}

	async #connect() {
		const turn = ++this.#turn;
		const live = () => this.#turn === turn && !this.#isDone;
		const leave = await this.shared.gate.enter();
		if (!live()) {
			leave();
			return;
		}
		// An attempt to link that failed leaves half an identity; each one begins with a new one.
		const creds = this.creds ?? initAuthCreds();
		const socket = makeSocket(this, creds, live);
		this.#socket = socket;
		this.#lifeline = new Lifeline(socket);
		const giveUp = () => live() && void socket.end(hardening.withStatus('Silent server', 408));
		const silent = this.#later(HANDSHAKE_MS, giveUp);
		hardening.endStuckUpgrades(socket);
		this.pairing.watch(socket, creds, live);
		hardening.detectPasskey(socket, () => live() && void this.#supervised(() => this.#passkey()));
		listen(socket, earsOf(this, socket, creds, live));
		socket.ev.on('creds.update', () => {
			if (live() && creds.account) {
				this.creds = creds;
				void this.#supervised(() => this.#insist(() => this.store.saveCreds(creds)));
			}
		});
		socket.ev.on('connection.update', ({ connection, qr, isNewLogin, lastDisconnect }) => {
			if (qr || connection === 'open' || connection === 'close') {
				leave();
				clearTimeout(silent);
			}
			if (!live()) {
				return;
			}
			void this.#supervised(async () => {
				if (qr && !creds.account) {
					await this.pairing.show(socket, creds, qr, live);
				} else if (isNewLogin) {
					await this.become('connecting', { reason: 'scanned' });
				} else if (connection === 'open') {
					await this.#opened(socket);
				} else if (connection === 'close') {
					await this.#ended(lastDisconnect?.error);
				}
			});
		});
	}

	/** @param {import('baileys').WASocket} socket */
	async #opened(socket) {
		this.#openedAt = Date.now();
		const { me } = this.creds;
		this.phone = phoneOf(me.id);
		this.lid = lidOf(me.lid);
		if (this.wish.wanted === 'logout') {
			await socket.logout();
			return;
		}
		await this.become('open', { fields: { phone: this.phone, lid: this.lid, push_name: me.name ?? null } });
	}

	async #passkey() {
		await this.#hangUp();
		await this.become('passkey_required', { reason: 'passkey' });
		this.#rest();
	}

	/** @param {any} error */
	async #ended(error) {
		this.#turn += 1;
		this.#socket = null;
		const code = Number(error?.output?.statusCode ?? 0);
		const openMs = this.#openedAt === 0 ? 0 : Date.now() - this.#openedAt;
		this.#openedAt = 0;
		if (openMs > STABLE_MS || this.#cutAt === 0) {
			this.#tries = 0;
			this.#cutAt = Date.now();
		}
		this.#badSessions = code === 500 && openMs < STABLE_MS ? this.#badSessions + 1 : 0;
		this.#replacements = code === 440 ? (openMs > CALM_MS ? 1 : this.#replacements + 1) : this.#replacements;
		const { message: text, data } = error ?? {};
		const end = {
			code,
			text,
			data,
			isLinked: this.creds !== null,
			cutMs: Date.now() - this.#cutAt,
			tries: this.#tries,
			badSessions: this.#badSessions,
			replacements: this.#replacements
		};
		await this.#do(react(end, Math.random()), code);
	}

	/** @param {import('./policy.js').Reaction} reaction @param {number} code */
	async #do({ next, state, reason, delayMs = 0, untilMs }, code) {
		if (next === 'erase') {
			await this.#forget(this.wish.wanted === 'logout' ? 'logout' : reason, code);
			return;
		}
		const waitMs = (next === 'retry' ? delayMs : untilMs) ?? 0;
		const until = waitMs > 0 ? new Date(Date.now() + waitMs) : null;
		const turn = this.#turn;
		await this.become(state, { code, reason, until });
		if (next === 'rest') {
			this.#rest();
		} else if (this.#turn === turn && !this.#isDone) {
			this.#tries += 1;
			this.#later(delayMs, () => (this.#turn === turn ? this.#connect() : undefined));
		}
	}

	/** Nothing is left to do: another process may hold the session from its next work on. */
	#rest() {
		if (!this.#isDone) {
			this.#isDone = true;
			this.#clearTimers();
			this.shared.onDone(this, 'rest');
		}
	}

	async #hangUp() {
		this.#turn += 1;
		const socket = this.#socket;
		this.#socket = null;
		this.#clearTimers();
		if (socket) {
			// A server that is gone does not answer the closing frame.
			await Promise.race([Promise.resolve(socket.end(undefined)).catch(() => {}), pause(CLOSE_MS)]);
		}
	}

	/** @param {Fenced | Unreadable} error */
	#broken(error) {
		if (this.#isDone) {
			return;
		}
		if (error instanceof Fenced) {
			log('bridge.session.fenced', { session: this.id });
			this.#isDone = true;
			void this.#hangUp();
			this.shared.onDone(this, 'fenced');
		} else {
			log('bridge.keys.unreadable', { session: this.id, place: error.message });
			void this.#supervised(async () => {
				await this.#hangUp();
				await this.become('needs_human', { reason: 'keys_unreadable' });
				this.#rest();
			});
		}
	}

	/** Tries again until the database takes it. Stops when the session is somebody else's. @param {() => Promise<void>} write */
	async #insist(write) {
		for (;;) {
			try {
				return await write();
			} catch (error) {
				if (error instanceof Fenced || error instanceof Unreadable || this.#isDone) {
					throw error;
				}
				log('bridge.write.failed', { session: this.id, ...kindOf(error) });
				await pause(1000);
			}
		}
	}

	/** One session's fault is never another one's. @param {() => Promise<unknown>} run */
	async #supervised(run) {
		try {
			await run();
		} catch (error) {
			if (error instanceof Unreadable) {
				this.#broken(error);
			} else if (!(error instanceof Fenced) && !this.#isDone) {
				log('bridge.session.crashed', { session: this.id, ...kindOf(error) });
				await this.#hangUp();
				const turn = this.#turn;
				this.#tries += 1;
				if (this.creds === null && this.#tries > MOST_FAULTS) {
					// A fault that comes again each time must not show codes for ever.
					await this.become('expired', { reason: 'failed' }).catch(() => {});
					this.#rest();
					return;
				}
				this.#later(backoffMs(this.#tries, 0, Math.random()), () => (this.#turn === turn ? this.#work() : undefined));
			}
		}
	}

	/** @param {number} ms @param {() => unknown} run */
	#later(ms, run) {
		const timer = setTimeout(() => {
			this.#timers.delete(timer);
			if (!this.#isDone) {
				void this.#supervised(async () => run());
			}
		}, ms);
		this.#timers.add(timer);
		return timer;
	}

	#clearTimers() {
		this.#timers.forEach((timer) => clearTimeout(timer));
		this.#timers.clear();
	}
}

/** @param {number} ms */
function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

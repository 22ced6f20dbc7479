/** One linked device: links it, keeps it connected, tells its state. Owned by one process at a time. */
import { makeCaches, makeMemories } from './cache.js';
import { Cuts } from './cuts.js';
import { Fenced } from './database.js';
import { lidOf, LONGEST_NAME, phoneOf, shown } from './inbound.js';
import { Unreadable } from './keyring.js';
import { CLOSE_MS, Line, pause } from './line.js';
import { kindOf, log } from './log.js';
import { Memory } from './memory.js';
import { Outbound, Refused } from './outbound.js';
import { CodeRefused, Pairing } from './pairing.js';
import { backoffMs, react } from './policy.js';
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
 * @property {Pick<import('./settings.js').Settings, 'server' | 'version' | 'qrMs' | 'typingMs' | 'textsPerMinute'>} settings
 * @property {(session: Session, why: 'rest' | 'fenced') => void} onDone
 */

const UNLINK_MS = 60_000;
const MOST_FAULTS = 5;

export class Session {
	/** Nothing is left to do here, or somebody else does it. */
	isDone = false;
	/** No more sends; what is under way may end. */
	#isLeaving = false;
	#cuts = new Cuts();
	/** How often Backroom wanted something else. */
	#asked = 0;
	/** @type {Promise<void>} */
	#last = Promise.resolve();
	/** @type {Line} */
	#line;
	/** The row whose keys are not open yet. @type {Row | null} */
	#unread;

	/** @param {Row} row as it was claimed @param {Shared} shared */
	constructor(row, shared) {
		this.id = row.id;
		this.epoch = row.epoch;
		this.#unread = row;
		this.shared = shared;
		this.wish = /** @type {Wish} */ (row);
		this.linkedSerial = row.linked_serial;
		this.state = row.state;
		this.phone = row.phone;
		this.lid = row.lid;
		/** What happened to the attempt before, while the next one is shown. @type {string | null} */
		this.note = null;
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
		this.memories = makeMemories();
		this.#line = new Line(this, {
			supervised: (run) => this.#supervised(run),
			keep: (creds) => {
				this.creds = creds;
				return this.#insist(() => this.store.saveCreds(creds));
			},
			scanned: () => {
				this.note = null;
				return this.become('connecting', { reason: 'scanned' });
			},
			opened: (socket) => this.#opened(socket),
			passkey: () => this.#passkey(),
			ended: (error) => this.#ended(error)
		});
	}

	/** Opens the keys and goes to work. Never throws. */
	start() {
		return this.#inTurn(() => this.#work());
	}

	/** Follows what Backroom wants now. @param {Wish} wish */
	follow(wish) {
		const isNew = wish.wanted !== this.wish.wanted || wish.link_serial > Math.max(this.wish.link_serial, this.linkedSerial);
		this.wish = wish;
		if (isNew && !this.isDone) {
			const asked = ++this.#asked;
			void this.#inTurn(async () => {
				if (asked === this.#asked && !this.isDone) {
					this.#cuts.tries = 0;
					await this.#line.hangUp();
					await this.#work();
				}
			});
		}
	}

	/** Closes the socket and waits for what is being written; the lease stays. */
	async close() {
		this.#isLeaving = true;
		await this.outbound.idle(CLOSE_MS);
		this.isDone = true;
		await this.#line.hangUp();
		await Promise.race([this.store.idle(), pause(CLOSE_MS)]);
	}

	/** Lets go at once: the session is somebody else's. */
	drop() {
		this.isDone = true;
		void this.#line.hangUp();
	}

	isOpen() {
		return this.state === 'open' && this.#line.socket !== null && !this.isDone;
	}

	/** @throws {Refused} */
	openSocket() {
		if (!this.isOpen() || this.#isLeaving) {
			throw new Refused(409, 'not_open', this.state);
		}
		return /** @type {import('baileys').WASocket} */ (this.#line.socket);
	}

	/** Whether WhatsApp's server gives a sign of life; if not, the session is connecting anew. @throws {Refused} */
	async probe() {
		this.openSocket();
		return this.#line.probe();
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
		const at = new Date();
		this.shared.events.tell({ session, at: at.toISOString(), type: 'state', state, code, reason, until: until?.toISOString() ?? null, phone, lid });
		log('bridge.session.changed', { session: this.id, state, code, reason });
		const row = { state, state_code: code, state_reason: reason, state_until: until, state_at: at };
		await this.#insist(() => this.store.write({ ...row, ...pairing, ...fields }));
	}

	async #work() {
		if (this.#unread) {
			// Never on without them: what could not be opened this time is no reason to begin with new ones.
			this.creds = await this.store.load(this.#unread);
			this.#unread = null;
		}
		const { wanted, link_serial: serial } = this.wish;
		if (wanted === 'off') {
			await this.become('off');
			this.#rest();
		} else if (wanted === 'logout') {
			await this.#unlink();
		} else if (serial > this.linkedSerial || this.creds === null) {
			// Nobody asked for another attempt: the process that had this one ended in the midst of it.
			this.note = serial === this.linkedSerial && wasUnderWay(this.state) ? 'interrupted' : null;
			await this.store.begin();
			this.linkedSerial = serial;
			this.creds = null;
			Object.assign(this, { phone: null, lid: null });
			if (this.wish.link_method === 'code' && !/^\+?\d{6,15}$/.test(this.wish.link_phone ?? '')) {
				await this.become('expired', { reason: 'no_phone', fields: { linked_serial: serial } });
				this.#rest();
				return;
			}
			await this.become('connecting', { reason: this.note, fields: { linked_serial: serial, phone: null, lid: null, push_name: null } });
			this.#dial();
		} else {
			await this.become('connecting');
			this.#dial();
		}
	}

	/** Connects as soon as it may; another wish need not wait for that. */
	#dial() {
		void this.#supervised(() => this.#line.dial());
	}

	async #unlink() {
		if (this.creds === null) {
			await this.#forget('logged_out', 'logout');
			return;
		}
		// A phone that cannot be told drops the silent device by itself; the keys go in any case.
		this.#line.timers.later(UNLINK_MS, () => this.#forget('logged_out', 'logout'));
		await this.become('connecting');
		this.#dial();
	}

	/** Erases the keys and rests. @param {string} state @param {string} reason @param {number | null} [code] */
	async #forget(state, reason, code = null) {
		await this.#line.hangUp();
		await this.store.erase();
		this.creds = null;
		await this.become(state, { code, reason });
		this.#rest();
	}

	/** @param {import('baileys').WASocket} socket */
	async #opened(socket) {
		this.#cuts.opened();
		const { me } = this.creds;
		this.phone = phoneOf(me.id);
		this.lid = lidOf(me.lid);
		if (this.wish.wanted === 'logout') {
			await socket.logout();
			return;
		}
		await this.become('open', { fields: { phone: this.phone, lid: this.lid, push_name: shown(me.name?.replaceAll('\0', ''), LONGEST_NAME) } });
	}

	async #passkey() {
		await this.#line.hangUp();
		await this.become('passkey_required', { reason: 'passkey' });
		this.#rest();
	}

	/** @param {any} error */
	async #ended(error) {
		const end = this.#cuts.next(error, { isLinked: this.creds !== null, hasOpened: this.phone !== null });
		await this.#do(react(end, Math.random()), end.code);
	}

	/** @param {import('./policy.js').Reaction} reaction @param {number} code */
	async #do({ next, state, reason, delayMs = 0, untilMs }, code) {
		if (next === 'erase') {
			await (this.wish.wanted === 'logout' ? this.#forget('logged_out', 'logout', code) : this.#forget(state, reason, code));
			return;
		}
		const waitMs = (next === 'retry' ? delayMs : untilMs) ?? 0;
		const until = waitMs > 0 ? new Date(Date.now() + waitMs) : null;
		const turn = this.#line.turn;
		await this.become(state, { code, reason, until });
		if (next === 'rest') {
			this.#rest();
		} else if (this.#line.turn === turn && !this.isDone) {
			this.#line.timers.later(delayMs, () => (this.#line.turn === turn ? this.#line.dial() : undefined));
		}
	}

	/** Nothing is left to do: another process may hold the session from its next work on. */
	#rest() {
		if (!this.isDone) {
			this.isDone = true;
			this.#line.timers.clear();
			this.shared.onDone(this, 'rest');
		}
	}

	/** @param {Fenced | Unreadable} error */
	#broken(error) {
		if (this.isDone) {
			return;
		}
		if (error instanceof Fenced) {
			log('bridge.session.fenced', { session: this.id });
			this.isDone = true;
			void this.#line.hangUp();
			this.shared.onDone(this, 'fenced');
		} else {
			log('bridge.keys.unreadable', { session: this.id, place: error.message });
			void this.#supervised(async () => {
				await this.#line.hangUp();
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
				if (error instanceof Fenced || error instanceof Unreadable || this.isDone) {
					throw error;
				}
				log('bridge.write.failed', { session: this.id, ...kindOf(error) });
				await pause(1000);
			}
		}
	}

	/** One thing that is wanted after the other: two at once would make two sockets. @param {() => Promise<void>} run */
	#inTurn(run) {
		this.#last = this.#last.catch(() => {}).then(() => this.#supervised(run));
		return this.#last;
	}

	/** One session's fault is never another one's. @param {() => Promise<unknown>} run */
	async #supervised(run) {
		try {
			await run();
		} catch (error) {
			if (error instanceof Unreadable) {
				this.#broken(error);
			} else if (error instanceof CodeRefused) {
				await this.#refused(error);
			} else if (!(error instanceof Fenced) && !this.isDone) {
				log('bridge.session.crashed', { session: this.id, ...kindOf(error) });
				await this.#line.hangUp();
				const turn = this.#line.turn;
				this.#cuts.tries += 1;
				if (this.creds === null && !this.#unread && this.#cuts.tries > MOST_FAULTS) {
					// A fault that comes again each time must not show codes for ever.
					await this.become('expired', { reason: 'failed' }).catch(() => {});
					this.#rest();
					return;
				}
				this.#line.timers.later(backoffMs(this.#cuts.tries, 0, Math.random()), () => (this.#line.turn === turn ? this.#inTurn(() => this.#work()) : undefined));
			}
		}
	}

	/** @param {CodeRefused} error */
	async #refused({ code }) {
		await this.#line.hangUp();
		await this.#supervised(() => this.become('expired', { code, reason: 'code_refused' }));
		this.#rest();
	}
}

/** @param {string} state */
function wasUnderWay(state) {
	return state === 'connecting' || state === 'pairing';
}

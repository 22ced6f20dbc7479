/** All sessions of this process: takes free ones, keeps their leases, lets go in time. */
import { Gate } from './gate.js';
import { kindOf, log } from './log.js';
import { Session } from './session.js';

/** Milliseconds; tests make them shorter. */
export const TIMES = {
	look: 1500,
	renew: 4000,
	/** Shorter than a lease: the sockets are closed before anybody else may open them. */
	fence: 12_000,
	fenceLook: 500
};
const HANDSHAKES = 10;

export class Sessions {
	/** @type {Map<string, Session>} */
	#held = new Map();
	/** @type {NodeJS.Timeout[]} */
	#timers = [];
	/** On the monotonic clock: the start of the last statement that surely renewed all leases. */
	#renewedAt = performance.now();
	#isLooking = false;
	#isRenewing = false;
	#isEnding = false;

	/**
	 * @param {import('./leases.js').Leases} leases
	 * @param {Omit<import('./session.js').Shared, 'gate' | 'onDone'>} shared
	 * @param {{ maxSessions: number }} limits
	 */
	constructor(leases, shared, { maxSessions }) {
		this.leases = leases;
		this.maxSessions = maxSessions;
		/** @type {import('./session.js').Shared} */
		this.shared = { ...shared, gate: new Gate(HANDSHAKES), onDone: (session, why) => this.#done(session, why) };
	}

	start() {
		void this.#look();
		this.#timers = [
			setInterval(() => void this.#look(), TIMES.look),
			setInterval(() => void this.#renew(), TIMES.renew),
			setInterval(() => this.#fence(), TIMES.fenceLook)
		];
	}

	/** @param {string} id */
	get(id) {
		return this.#held.get(id);
	}

	get size() {
		return this.#held.size;
	}

	/** @returns {Record<string, number>} */
	byState() {
		/** @type {Record<string, number>} */
		const counts = {};
		for (const { state } of this.#held.values()) {
			counts[state] = (counts[state] ?? 0) + 1;
		}
		return counts;
	}

	/** Whether the database answered lately. */
	isRenewed() {
		return performance.now() - this.#renewedAt < TIMES.fence;
	}

	/** Closes all sockets. The leases stay until {@link release}. */
	async close() {
		this.#isEnding = true;
		await Promise.all([...this.#held.values()].map((session) => session.close()));
	}

	/** Hands all sessions back. */
	async release() {
		this.#timers.forEach((timer) => clearInterval(timer));
		await this.leases.release(this.#epochs());
		this.#held.clear();
	}

	async #look() {
		if (this.#isLooking || this.#isEnding) {
			return;
		}
		this.#isLooking = true;
		try {
			const start = performance.now();
			if (this.#held.size > 0) {
				const wishes = await this.leases.wishes(this.#epochs());
				wishes.forEach((wish) => this.#isEnding || this.#held.get(wish.id)?.follow(wish));
			}
			const free = this.maxSessions - this.#held.size;
			if (free > 0 && !this.#isEnding) {
				const rows = await this.leases.claim(free);
				if (this.#held.size === 0) {
					this.#renewedAt = start;
				}
				rows.forEach((row) => this.#take(row));
			}
		} catch (error) {
			log('bridge.look.failed', kindOf(error));
		} finally {
			this.#isLooking = false;
		}
	}

	/** @param {import('./leases.js').Row} row */
	#take(row) {
		// An epoch of before may still be on its way out.
		this.#held.get(row.id)?.drop();
		const session = new Session(row, this.shared);
		this.#held.set(row.id, session);
		log('bridge.session.taken', { session: row.id, epoch: row.epoch });
		if (this.#isEnding) {
			void session.close();
		} else {
			void session.start();
		}
	}

	async #renew() {
		if (this.#isRenewing || this.#held.size === 0) {
			return;
		}
		this.#isRenewing = true;
		const start = performance.now();
		try {
			const held = this.#epochs();
			const renewed = await this.leases.renew(held);
			this.#renewedAt = start;
			const still = new Set(renewed);
			for (const [id, epoch] of held) {
				const session = this.#held.get(id);
				if (!still.has(id) && session?.epoch === epoch) {
					log('bridge.session.lost', { session: id });
					session.drop();
					this.#held.delete(id);
				}
			}
		} catch (error) {
			log('bridge.renewal.failed', kindOf(error));
		} finally {
			this.#isRenewing = false;
		}
	}

	#fence() {
		if (this.#held.size > 0 && !this.isRenewed()) {
			log('bridge.leases.lost', { sessions: this.#held.size });
			this.#held.forEach((session) => session.drop());
			this.#held.clear();
		}
	}

	/** @param {Session} session @param {'rest' | 'fenced'} why */
	#done(session, why) {
		if (this.#held.get(session.id) !== session) {
			return;
		}
		this.#held.delete(session.id);
		if (why === 'rest') {
			const one = new Map([[session.id, session.epoch]]);
			this.leases.release(one).catch((error) => log('bridge.release.failed', { session: session.id, ...kindOf(error) }));
		}
	}

	#epochs() {
		return new Map([...this.#held].map(([id, { epoch }]) => [id, epoch]));
	}
}

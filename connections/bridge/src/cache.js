/** The small caches that Baileys wants, without timers of their own, and kept over reconnects. */

export class Cache {
	/** @type {Map<string, { value: any, until: number }>} */
	#kept = new Map();

	/** @param {number} most entries @param {number} forMs */
	constructor(most, forMs) {
		this.most = most;
		this.forMs = forMs;
	}

	/** @param {string} name @returns {any} */
	get(name) {
		const found = this.#kept.get(name);
		return found && found.until > Date.now() ? found.value : undefined;
	}

	/** @param {string} name @param {any} value */
	set(name, value) {
		this.#kept.delete(name);
		this.#kept.set(name, { value, until: Date.now() + this.forMs });
		if (this.#kept.size > this.most) {
			this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
		}
		return true;
	}

	/** @param {string} name */
	del(name) {
		this.#kept.delete(name);
	}

	flushAll() {
		this.#kept.clear();
	}
}

/** What one session keeps over its sockets for Baileys: retry counts above all, or a retry could go on for ever. */
export function makeCaches() {
	return {
		msgRetryCounterCache: new Cache(1000, 3_600_000),
		userDevicesCache: new Cache(1000, 300_000),
		callOfferCache: new Cache(100, 300_000),
		placeholderResendCache: new Cache(1000, 3_600_000)
	};
}

/** The same for ourselves (reaching.js). */
export function makeMemories() {
	return { reachedCache: new Cache(1000, 300_000), withoutLid: new Cache(1000, 300_000) };
}

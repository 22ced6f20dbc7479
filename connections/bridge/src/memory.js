/** A map that forgets what was not used for the longest time. */

/** @template T */
export class Memory {
	/** @type {Map<string, T>} */
	#kept = new Map();

	/** @param {number} most entries */
	constructor(most) {
		this.most = most;
	}

	/** @param {string} name @returns {T | undefined} */
	get(name) {
		const value = this.#kept.get(name);
		if (value !== undefined) {
			this.set(name, value);
		}
		return value;
	}

	/** @param {string} name @param {T} value */
	set(name, value) {
		this.#kept.delete(name);
		this.#kept.set(name, value);
		if (this.#kept.size > this.most) {
			this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
		}
	}
}

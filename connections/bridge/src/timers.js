/** The timers of one session, so that all of them can be stopped at once. */

export class Timers {
	/** @type {Set<NodeJS.Timeout>} */
	#waiting = new Set();

	/** @param {(run: () => unknown) => unknown} around what every run goes through */
	constructor(around) {
		this.around = around;
	}

	/** @param {number} ms @param {() => unknown} run */
	later(ms, run) {
		const timer = setTimeout(() => {
			this.#waiting.delete(timer);
			this.around(run);
		}, ms);
		this.#waiting.add(timer);
		return timer;
	}

	/** @param {NodeJS.Timeout} timer */
	cancel(timer) {
		clearTimeout(timer);
		this.#waiting.delete(timer);
	}

	clear() {
		this.#waiting.forEach((timer) => clearTimeout(timer));
		this.#waiting.clear();
	}
}

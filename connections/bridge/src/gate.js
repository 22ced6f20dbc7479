/** Lets so many through at once: a storm of handshakes blocks the process for seconds. */

export class Gate {
	/** @type {(() => void)[]} */
	#waiting = [];
	#inside = 0;

	/** @param {number} most */
	constructor(most) {
		this.most = most;
	}

	/** @returns {Promise<() => void>} call it to leave; more than once does no harm */
	async enter() {
		if (this.#inside >= this.most) {
			await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
		} else {
			this.#inside += 1;
		}
		let isInside = true;
		return () => {
			if (!isInside) {
				return;
			}
			isInside = false;
			const next = this.#waiting.shift();
			if (next) {
				next();
			} else {
				this.#inside -= 1;
			}
		};
	}
}

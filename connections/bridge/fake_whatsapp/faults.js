/** What shall go wrong next. Each rule is for one account or for all, and for a number of times. */
import { Quirks } from './quirks.js';

/**
 * @typedef {object} LoginFailure
 * @property {number} reason as in `<failure reason>`: 401, 402, 403, 405, 406, 409, 411, 415, 429, 503, ...
 * @property {number} [code] why a number is banned for a while (with 402)
 * @property {number} [expire] seconds (with 402)
 * @property {string} [account] phone; all when absent
 * @property {number} [times] default 1
 *
 * @typedef {object} AckFault
 * @property {number | null} error null: no acknowledgement comes at all
 * @property {boolean} [isDelivered] whether the customer gets the message nevertheless; default false
 * @property {string} [account]
 * @property {number} [times]
 */

/** @template T @typedef {T & { account: string | undefined, times: number }} Rule */

export class Faults {
	/** @type {Rule<LoginFailure>[]} */
	logins = [];
	/** @type {Rule<AckFault>[]} */
	acks = [];
	/** @type {Rule<{}>[]} */
	garbled = [];
	/** @type {Rule<{ status: number }>[]} */
	upgrades = [];
	/** Unix milliseconds until which nobody is let in. */
	awayUntil = 0;
	/** Whether new connections get no answer to their hello. */
	isMute = false;
	/** What is not wrong, only different. */
	quirks = new Quirks();

	/** Forgets all rules. */
	calm() {
		Object.assign(this, new Faults());
	}

	/** @param {LoginFailure} rule */
	failLogins(rule) {
		this.logins.push({ ...rule, account: rule.account, times: rule.times ?? 1 });
	}

	/** @param {AckFault} rule */
	failSends(rule) {
		this.acks.push({ ...rule, account: rule.account, times: rule.times ?? 1 });
	}

	/**
	 * The next messages to the account's devices cannot be read.
	 *
	 * @param {string} [account]
	 * @param {number} [times]
	 */
	garble(account, times = 1) {
		this.garbled.push({ account, times });
	}

	/** The next WebSockets are refused with an HTTP status. @param {number} status @param {number} [times] */
	refuseUpgrades(status, times = 1) {
		this.upgrades.push({ status, account: undefined, times });
	}

	/** @param {string | undefined} account */
	nextLoginFailure(account) {
		return take(this.logins, account);
	}

	/** @param {string} account */
	nextAckFault(account) {
		return take(this.acks, account);
	}

	/** @param {string} account */
	garbles(account) {
		return take(this.garbled, account) !== undefined;
	}

	nextRefusedUpgrade() {
		return take(this.upgrades, undefined)?.status;
	}

	isAway() {
		return Date.now() < this.awayUntil;
	}
}

/**
 * @template T
 * @param {Rule<T>[]} rules
 * @param {string | undefined} account
 * @returns {Rule<T> | undefined}
 */
function take(rules, account) {
	const rule = rules.find((one) => one.times > 0 && (one.account === undefined || one.account === account));
	if (rule) {
		rule.times -= 1;
	}
	return rule;
}

/** Everything that a person or a test can do to the server, in phone numbers and plain values. */
import { cappingNotice, timelockNotice } from './limits.js';
import { digits } from './people.js';

/**
 * @typedef {import('./server.js').FakeWhatsApp} FakeWhatsApp
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./people.js').Customer} Customer
 * @typedef {import('./people.js').Addressing} Addressing
 * @typedef {import('./people.js').ReceivedMessage} ReceivedMessage
 * @typedef {import('./to_devices.js').Written} Written
 */

const ADDRESSINGS = ['lid', 'phone'];

/** Methods throw `RangeError` for wrong values and `UnknownNumber` for numbers that nobody has. */
export class Desk {
	/** @param {FakeWhatsApp} server */
	constructor(server) {
		this.server = server;
		this.people = server.people;
	}

	/** @param {{ phone: string, name: string }} account */
	addAccount({ phone, name }) {
		const account = this.people.addAccount(phone, required(name, 'name'));
		this.server.happened('account-added', { account: account.phone });
		return this.account(account.phone);
	}

	accounts() {
		return [...this.people.accounts.keys()].map((phone) => this.account(phone));
	}

	/** @param {string} phone */
	account(phone) {
		const account = this.people.account(phone);
		const devices = [...account.devices.values()].map((device) => ({
			number: device.number,
			platform: device.platform,
			linkedAt: device.linkedAt,
			isOnline: this.server.connectionOf(device) !== undefined,
			presence: this.server.connectionOf(device)?.presence ?? null,
			preKeysLeft: device.preKeys.length,
			waiting: device.pending.length
		}));
		const { needsPasskey, passkeyNotice, lockedUntil } = account;
		return { ...names(account), needsPasskey, passkeyNotice, lockedUntil, devices };
	}

	/**
	 * @param {string} phone
	 * @param {object} change
	 * @param {string} [change.name]
	 * @param {boolean} [change.needsPasskey]
	 * @param {import('./people.js').PasskeyNotice} [change.passkeyNotice]
	 * @param {number | null} [change.lockedUntil] unix seconds; until then it may not begin chats; its devices are told
	 */
	changeAccount(phone, { name, needsPasskey, passkeyNotice, lockedUntil }) {
		const account = this.people.account(phone);
		account.name = name ?? account.name;
		account.needsPasskey = needsPasskey ?? account.needsPasskey;
		account.passkeyNotice = passkeyNotice ?? account.passkeyNotice;
		if (lockedUntil !== undefined) {
			account.lockedUntil = lockedUntil;
			this.server.tell(account, timelockNotice(account));
		}
		this.server.happened('account-changed', { account: account.phone });
		return this.account(phone);
	}

	/**
	 * Tells the devices how many new chats are used up.
	 *
	 * @param {string} phone
	 * @param {{ used: number, total: number }} chats
	 */
	capChats(phone, { used, total }) {
		this.server.tell(this.people.account(phone), cappingNotice(used, positive(total, 'total')));
		return {};
	}

	/** @param {string} phone @param {{ qr: string, forge?: import('./registration.js').Forgery }} scan */
	async scan(phone, { qr, forge }) {
		const account = this.people.account(phone);
		const outcome = await this.server.linking.scan(account, required(qr, 'qr'), forge);
		this.server.happened('scanned', { account: account.phone, outcome: outcome.outcome });
		return outcome;
	}

	/** @param {string} phone @param {{ code: string }} entry */
	async enterCode(phone, { code }) {
		const account = this.people.account(phone);
		const outcome = await this.server.linking.enterCode(account, required(code, 'code'));
		this.server.happened('code-entered', { account: account.phone, outcome: outcome.outcome });
		return outcome;
	}

	/** @param {string} phone @param {number | string} number */
	unlink(phone, number) {
		return { wasLinked: this.server.unlink(this.people.account(phone), Number(number)) };
	}

	/** The owner writes on the phone. @param {string} phone @param {Written & { to: string }} written */
	async ownerWrites(phone, { to, ...written }) {
		const customer = this.people.customer(to);
		oneOf(written.by ?? 'lid', ADDRESSINGS, 'by');
		const sent = await this.server.toDevices.ownerWrites(this.people.account(phone), customer, written);
		this.server.happened('owner-wrote', { account: digits(phone), customer: customer.phone, id: sent.id });
		return { id: sent.id };
	}

	/** What the owner's phone shows. @param {string} phone */
	ownerMessages(phone) {
		return this.people.account(phone).received;
	}

	/** @param {{ phone: string, name: string }} customer */
	addCustomer({ phone, name }) {
		const customer = this.people.addCustomer(phone, required(name, 'name'));
		this.server.happened('customer-added', { customer: customer.phone });
		return this.customer(customer.phone);
	}

	customers() {
		return [...this.people.customers.keys()].map((phone) => this.customer(phone));
	}

	/** @param {string} phone */
	customer(phone) {
		const customer = this.people.customer(phone);
		const { isReachable, unreadable } = customer;
		return { ...names(customer), isReachable, unreadable };
	}

	/**
	 * @param {string} phone
	 * @param {{ isReachable?: boolean, unreadable?: number, name?: string, hasNewPhone?: boolean }} change
	 */
	changeCustomer(phone, { isReachable, unreadable, name, hasNewPhone }) {
		const customer = this.people.customer(phone);
		customer.isReachable = isReachable ?? customer.isReachable;
		customer.unreadable = unreadable ?? customer.unreadable;
		customer.name = name ?? customer.name;
		if (hasNewPhone) {
			customer.takeNewPhone();
		}
		if (isReachable) {
			for (const account of this.people.accounts.keys()) {
				this.confirm(phone, { account, type: 'delivered' });
			}
		}
		this.server.happened('customer-changed', { customer: customer.phone });
		return this.customer(phone);
	}

	/**
	 * A number that nobody has yet becomes a customer.
	 *
	 * @param {string} phone
	 * @param {Written & { account: string, name?: string }} written
	 */
	async customerWrites(phone, { account: to, name, ...written }) {
		const account = this.people.account(to);
		oneOf(written.by ?? 'lid', ADDRESSINGS, 'by');
		const known = this.people.customers.get(digits(phone));
		const customer = known ?? this.people.addCustomer(phone, name ?? `+${digits(phone)}`);
		const sent = await this.server.toDevices.customerWrites(customer, account, written);
		this.server.happened('customer-wrote', { account: account.phone, customer: customer.phone, id: sent.id });
		return { id: sent.id, lid: customer.jid('lid') };
	}

	/**
	 * Posts to a group, a status, a broadcast list or a newsletter.
	 *
	 * @param {string} phone
	 * @param {{ account: string, where: 'group' | 'status' | 'broadcast' | 'newsletter' }} post
	 */
	customerPosts(phone, { account, where }) {
		oneOf(where, ['group', 'status', 'broadcast', 'newsletter'], 'where');
		return {
			id: this.server.toDevices.customerPosts(this.people.customer(phone), this.people.account(account), where)
		};
	}

	/**
	 * What a customer's phone shows of the chat with an account: `received` with what the phone said
	 * about it, `sent` with what the account's devices said about it, and the account's typing.
	 *
	 * @param {string} phone
	 * @param {string} account
	 */
	chat(phone, account) {
		const customer = this.people.customer(phone);
		const other = this.people.account(account).phone;
		const sent = Object.values(customer.sent).filter((one) => one.account === other);
		return {
			received: customer.received.filter((one) => one.account === other),
			sent: sent.map(({ plain, ...rest }) => rest),
			typing: customer.typing[other] ?? []
		};
	}

	/**
	 * Marks messages as delivered or read: those with the ids, else all.
	 *
	 * @param {string} phone
	 * @param {{ account: string, type: 'delivered' | 'read', ids?: string[] }} said
	 */
	confirm(phone, { account: to, type, ids }) {
		oneOf(type, ['delivered', 'read'], 'type');
		const account = this.people.account(to);
		const meant = this.people
			.customer(phone)
			.received.filter((one) => one.account === account.phone && (ids === undefined || ids.includes(one.id)));
		for (const message of meant) {
			this.server.toDevices.customerConfirms(account, message, type);
		}
		this.server.happened('customer-confirmed', { account: account.phone, customer: digits(phone), type });
		return { ids: meant.map(({ id }) => id) };
	}

	/** @param {string} phone @param {{ account: string, state?: 'composing' | 'paused', by?: Addressing }} typing */
	customerTypes(phone, { account, state = 'composing', by = 'lid' }) {
		oneOf(state, ['composing', 'paused'], 'state');
		oneOf(by, ADDRESSINGS, 'by');
		this.server.toDevices.customerTypes(this.people.customer(phone), this.people.account(account), state, by);
		return {};
	}

	/** @param {{ how: import('./server.js').Cut, account?: string }} cut */
	cut({ how, account }) {
		oneOf(
			typeof how === 'number' ? 0 : how,
			[0, 'drop', 'close', 'xmlstreamend', 'replaced', 'silent', 'dead'],
			'how'
		);
		return { connections: this.server.cut(how, account === undefined ? undefined : this.people.account(account)) };
	}

	/** @param {{ seconds: number }} away */
	goAway({ seconds }) {
		return { connections: this.server.goAway(positive(seconds, 'seconds')) };
	}

	/** @param {{ isMute: boolean }} mute */
	mute({ isMute }) {
		this.server.faults.isMute = isMute === true;
		return {};
	}

	/** @param {import('./faults.js').LoginFailure} rule */
	failLogins(rule) {
		positive(rule.reason, 'reason');
		this.server.faults.failLogins(this.#forAccount(rule));
		return {};
	}

	/** @param {import('./faults.js').AckFault} rule */
	failSends(rule) {
		if (rule.error !== null) {
			positive(rule.error, 'error');
		}
		this.server.faults.failSends(this.#forAccount(rule));
		return {};
	}

	/** @param {{ account?: string, times?: number }} rule */
	garble(rule) {
		const { account, times } = this.#forAccount(rule);
		this.server.faults.garble(account, times);
		return {};
	}

	/** @param {{ status: number, times?: number }} rule */
	refuseUpgrades({ status, times }) {
		this.server.faults.refuseUpgrades(positive(status, 'status'), times);
		return {};
	}

	calm() {
		this.server.faults.calm();
		return {};
	}

	/** @param {{ qr?: string }} shown */
	rotateSecrets({ qr }) {
		return { clients: this.server.linking.rotateSecrets(qr) };
	}

	/** @param {{ rotatesOnScan?: boolean, refusesCodes?: boolean }} change */
	changeLinking({ rotatesOnScan = false, refusesCodes = false }) {
		Object.assign(this.server.linking, { rotatesOnScan: rotatesOnScan === true, refusesCodes: refusesCodes === true });
		return {};
	}

	/** Makes the server another one that speaks the same protocol. @param {Record<string, unknown>} quirks */
	changeQuirks(quirks) {
		this.server.faults.quirks.change(quirks);
		return { ...this.server.faults.quirks };
	}

	/** @param {number} after number of the last one that is known already */
	happenings(after = 0) {
		return this.server.happenings.filter(({ number }) => number > after);
	}

	/**
	 * @template {{ account?: string }} T
	 * @param {T} rule
	 * @returns {T} with the phone in digits, of an account that exists
	 */
	#forAccount(rule) {
		return rule.account === undefined ? rule : { ...rule, account: this.people.account(rule.account).phone };
	}
}

/** @param {Account | Customer} who */
function names(who) {
	return { phone: who.phone, name: who.name, jid: who.jid('phone'), lid: who.jid('lid') };
}

/** @param {unknown} value @param {string} name @returns {string} */
function required(value, name) {
	if (typeof value !== 'string' || value === '') {
		throw new RangeError(`"${name}" is missing`);
	}
	return value;
}

/** @param {unknown} value @param {string} name @returns {number} */
function positive(value, name) {
	if (typeof value !== 'number' || !(value > 0)) {
		throw new RangeError(`"${name}" must be a number above 0`);
	}
	return value;
}

/** @param {unknown} value @param {unknown[]} allowed @param {string} name */
function oneOf(value, allowed, name) {
	if (!allowed.includes(value)) {
		throw new RangeError(`"${name}" must be one of ${allowed.filter(Boolean).join(', ')}`);
	}
}

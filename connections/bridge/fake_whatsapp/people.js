/** Everybody who has WhatsApp here: accounts with their owner's phone and linked devices, and customers. */
import { randomBytes, randomInt } from 'node:crypto';
import { jidDecode, jidEncode } from 'baileys';
import { PHONES } from './nodes.js';
import { SignalParty } from './signal_party.js';

/**
 * @typedef {import('./key_bundles.js').Bundle} Bundle
 * @typedef {import('./key_bundles.js').PublicPreKey} PublicPreKey
 * @typedef {import('./key_bundles.js').PublicSignedPreKey} PublicSignedPreKey
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {'lid' | 'phone'} Addressing by hidden number or by phone number
 * @typedef {'passkey_prologue_request' | 'crsc_continuation'} PasskeyNotice type of the notification
 *
 * @typedef {object} Receipt
 * @property {string} type `delivered`, `read`, `inactive`, `sender`, `retry`, ...
 * @property {string} at RFC 3339
 *
 * @typedef {object} SentMessage what a phone wrote, kept so that it can be encrypted once more
 * @property {string} id
 * @property {string} account phone of the account whose devices get it
 * @property {string} customer phone of the other side of the chat
 * @property {string} text
 * @property {string} kind `text`, or the name of the message's field
 * @property {Addressing} by
 * @property {boolean} hidesPhone whether devices learn the phone number beside the hidden one
 * @property {number} sentAt unix seconds
 * @property {Buffer} plain what is inside the encryption, for linked devices
 * @property {Receipt[]} receipts what the account's devices said about it
 *
 * @typedef {object} ReceivedMessage what a phone could read
 * @property {string} id
 * @property {string} account phone
 * @property {string} customer phone
 * @property {string} from `customer`, `phone` (the owner's) or `device:<number>`
 * @property {string} text
 * @property {string} kind `text`, or the name of the message's field
 * @property {string | null} replyTo id of the quoted message
 * @property {string} chat the address that the writer used for the chat
 * @property {string} at RFC 3339
 * @property {number} copies more than 1 when the same id came again
 * @property {string[]} receipts `delivered`, `read`: what this phone said about it
 *
 * @typedef {object} Pending a stanza that a device has not acknowledged
 * @property {string} key
 * @property {Node} stanza
 * @property {number} resent how often it was encrypted anew under the same id
 *
 * @typedef {object} LinkedDevice
 * @property {number} number 1 and up; 0 is the phone itself
 * @property {number} keyIndex
 * @property {string} platform as the device called itself
 * @property {string} linkedAt RFC 3339
 * @property {Buffer} noiseKey who connects with another one is refused
 * @property {number} registrationId
 * @property {Buffer} identity
 * @property {PublicSignedPreKey} signedPreKey
 * @property {PublicPreKey[]} preKeys one-time keys that are left
 * @property {Pending[]} pending in the order of sending
 * @property {boolean} hasHistory whether the phone has sent it what was said before
 */

/** Nobody has that number here. */
export class UnknownNumber extends Error {}

/** Digits of a phone number as people write it. Throws on anything else. @param {unknown} written */
export function digits(written) {
	const found = String(written ?? '').replace(/[\s()+-]/g, '');
	if (!/^\d{5,15}$/.test(found)) {
		throw new RangeError(`"${written}" is no phone number`);
	}
	return found;
}

class Person {
	/** @param {{ phone: string, name: string, lid?: string, party?: import('./signal_party.js').PartyState }} kept */
	constructor({ phone, name, lid, party }) {
		this.phone = phone;
		this.name = name;
		/** Digits of the hidden number. */
		this.lid = lid ?? `${randomInt(1, 9)}${String(randomInt(0, 1e13)).padStart(13, '0')}`;
		this.party = new SignalParty(party);
		/** @type {Record<string, SentMessage>} */
		this.sent = {};
		/** @type {ReceivedMessage[]} */
		this.received = [];
	}

	/** Begins anew with other keys, as after the app was installed again. */
	takeNewPhone() {
		this.party = new SignalParty();
	}

	/** @param {Addressing} by @param {number} [device] */
	jid(by, device = 0) {
		return by === 'lid' ? jidEncode(this.lid, 'lid', device) : jidEncode(this.phone, PHONES, device);
	}
}

export class Account extends Person {
	/** @param {ConstructorParameters<typeof Person>[0]} kept */
	constructor(kept) {
		super(kept);
		/** @type {Map<number, LinkedDevice>} */
		this.devices = new Map();
		this.nextDevice = 1;
		this.needsPasskey = false;
		/** How a client that wants to be linked learns of the passkey. @type {PasskeyNotice} */
		this.passkeyNotice = 'passkey_prologue_request';
		/** May not begin chats until then, in unix seconds; null: free. @type {number | null} */
		this.lockedUntil = null;
		this.rawId = randomBytes(4).readUInt32BE();
	}

	/** Name of one of this account's devices in other people's Signal sessions. @param {number} device */
	address(device) {
		return { name: `${this.lid}_1`, device };
	}

	/**
	 * Public keys of a linked device for somebody who wants to write to it; a one-time key is used up.
	 *
	 * @param {LinkedDevice} device
	 * @returns {Bundle}
	 */
	deviceBundle(device) {
		const { registrationId, identity, signedPreKey } = device;
		return { registrationId, identity, signedPreKey, preKey: device.preKeys.shift() };
	}
}

export class Customer extends Person {
	/** @param {ConstructorParameters<typeof Person>[0]} kept */
	constructor(kept) {
		super(kept);
		/** Whether the phone is on and tells of each message that it was delivered. */
		this.isReachable = true;
		/** How many of the next messages this phone pretends not to be able to read. */
		this.unreadable = 0;
		/**
		 * What the account's devices showed last, by the account's phone.
		 *
		 * @type {Record<string, { state: string, at: string }[]>}
		 */
		this.typing = {};
		/** Messages that could not be read, with the number of tries. @type {Record<string, number>} */
		this.failed = {};
	}
}

export class Directory {
	constructor() {
		/** @type {Map<string, Account>} */
		this.accounts = new Map();
		/** @type {Map<string, Customer>} */
		this.customers = new Map();
		/** By hidden number. @type {Map<string, Account | Customer>} */
		this.hidden = new Map();
	}

	/** Takes in people as kept from an earlier run. @param {Account[]} accounts @param {Customer[]} customers */
	restore(accounts, customers) {
		for (const account of accounts) {
			this.accounts.set(account.phone, account);
			this.hidden.set(account.lid, account);
		}
		for (const customer of customers) {
			this.customers.set(customer.phone, customer);
			this.hidden.set(customer.lid, customer);
		}
	}

	/** Throws when there is none. @param {unknown} phone */
	account(phone) {
		const found = this.accounts.get(digits(phone));
		if (!found) {
			throw new UnknownNumber(`There is no account +${digits(phone)}`);
		}
		return found;
	}

	/** Throws when there is none. @param {unknown} phone */
	customer(phone) {
		const found = this.customers.get(digits(phone));
		if (!found) {
			throw new UnknownNumber(`There is no customer +${digits(phone)}`);
		}
		return found;
	}

	/** Throws when the number is taken. @param {string} phone @param {string} name */
	addAccount(phone, name) {
		const account = new Account({ phone: this.#free(phone), name });
		this.restore([account], []);
		return account;
	}

	/** Throws when the number is taken. @param {string} phone @param {string} name */
	addCustomer(phone, name) {
		const customer = new Customer({ phone: this.#free(phone), name });
		this.restore([], [customer]);
		return customer;
	}

	/**
	 * @param {string | undefined} jid
	 * @returns {{ who: Account | Customer, device: number, by: Addressing } | undefined}
	 */
	find(jid) {
		const { user = '', server, device = 0 } = jidDecode(jid) ?? {};
		if (server === 'lid') {
			const who = this.hidden.get(user);
			return who && { who, device, by: 'lid' };
		}
		const who = server === PHONES ? (this.accounts.get(user) ?? this.customers.get(user)) : undefined;
		return who && { who, device, by: 'phone' };
	}

	/** @param {string} phone */
	#free(phone) {
		const wanted = digits(phone);
		if (this.accounts.has(wanted) || this.customers.has(wanted)) {
			throw new RangeError(`+${wanted} is taken`);
		}
		return wanted;
	}
}

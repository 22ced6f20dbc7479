/** Keeps accounts, customers and all keys in one file, so that a restart is not noticed. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BufferJSON } from 'baileys';
import { Account, Customer } from './people.js';

/**
 * @typedef {import('./server.js').FakeWhatsApp} FakeWhatsApp
 * @typedef {object} Kept
 * @property {import('./certificates.js').ChainKeys} chainKeys
 * @property {Account[]} accounts
 * @property {Customer[]} customers
 */

const VERSION = 1;
const WRITE_AFTER_MS = 300;

export class StateFile {
	/** @param {string} path */
	constructor(path) {
		this.path = path;
		/** @type {NodeJS.Timeout | null} */
		this.timer = null;
	}

	/** Throws when the file is not one of ours. @returns {Kept | null} null when there is none */
	read() {
		/** @type {string} */
		let text;
		try {
			text = readFileSync(this.path, 'utf8');
		} catch (error) {
			if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
				return null;
			}
			throw error;
		}
		const kept = JSON.parse(text, BufferJSON.reviver);
		if (kept.version !== VERSION) {
			throw new Error(`${this.path} was written by another version; remove it to begin anew`);
		}
		return {
			chainKeys: kept.chainKeys,
			accounts: kept.accounts.map(revivedAccount),
			customers: kept.customers.map(revivedCustomer)
		};
	}

	/** Several changes in a row are one write. @param {FakeWhatsApp} server */
	writeSoon(server) {
		this.timer ??= setTimeout(() => this.write(server), WRITE_AFTER_MS);
	}

	/** Writes a whole new file, then puts it in the place of the old one. @param {FakeWhatsApp} server */
	write({ chainKeys, people }) {
		if (this.timer) {
			clearTimeout(this.timer);
			this.timer = null;
		}
		const kept = {
			version: VERSION,
			chainKeys,
			accounts: [...people.accounts.values()].map((account) => ({
				...account,
				party: account.party.state,
				devices: [...account.devices.values()]
			})),
			customers: [...people.customers.values()].map((customer) => ({ ...customer, party: customer.party.state }))
		};
		mkdirSync(dirname(this.path), { recursive: true });
		const fresh = `${this.path}.new`;
		writeFileSync(fresh, JSON.stringify(kept, BufferJSON.replacer), { mode: 0o600 });
		renameSync(fresh, this.path);
	}
}

/** @param {any} kept */
function revivedAccount({ devices, party, ...rest }) {
	const account = new Account({ ...rest, party });
	Object.assign(account, rest);
	account.devices = new Map(devices.map((/** @type {any} */ device) => [device.number, device]));
	return account;
}

/** @param {any} kept */
function revivedCustomer({ party, ...rest }) {
	return Object.assign(new Customer({ ...rest, party }), rest);
}

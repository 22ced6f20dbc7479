/** From a linked device to customers, to the owner's phone, and to the account's other devices. */
import { proto, unpadRandomMax16 } from 'baileys';
import { kindOf, textOf } from './contents.js';
import { retryKeysNode } from './key_bundles.js';
import { bigEndian, child, children, node, unixNow } from './nodes.js';
import { Account, Customer } from './people.js';
import { keyOf } from './queue.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./people.js').LinkedDevice} LinkedDevice
 * @typedef {import('./people.js').ReceivedMessage} ReceivedMessage
 * @typedef {{ account: Account, device: LinkedDevice }} Login
 * @typedef {(what: string, about: Record<string, unknown>) => void} Happened
 * @typedef {(stanza: Node) => void} Answer to the device's connection
 */

/** The account may not begin chats. */
const LOCKED = { error: 463, isDelivered: false };
/** After so many tries a phone stops asking for a message that it cannot read. */
const MOST_RETRIES = 5;

export class FromDevices {
	/**
	 * @param {import('./people.js').Directory} people
	 * @param {import('./queue.js').Queue} queue
	 * @param {import('./to_devices.js').ToDevices} toDevices
	 * @param {import('./faults.js').Faults} faults
	 * @param {Happened} happened
	 */
	constructor(people, queue, toDevices, faults, happened) {
		this.people = people;
		this.queue = queue;
		this.toDevices = toDevices;
		this.faults = faults;
		this.happened = happened;
	}

	/** @param {Login} login @param {Node} stanza @param {Answer} answer */
	async message(login, stanza, answer) {
		const { account } = login;
		const { id, to } = stanza.attrs;
		const fault = this.#isLocked(account, to) ? LOCKED : this.faults.nextAckFault(account.phone);
		const { acks } = this.faults.quirks;
		if (fault?.error !== null && acks !== 'none') {
			const tag = acks === 'plain' ? 'message' : undefined;
			answer(node('ack', { class: tag, id, from: to, t: unixNow(), error: fault?.error }));
		}
		if (fault && !fault.isDelivered) {
			this.happened('send-refused', { account: account.phone, id, error: fault.error });
			return;
		}
		const direct = child(stanza, 'enc');
		const parts = children(child(stanza, 'participants')).map((one) => ({
			jid: one.attrs.jid,
			enc: child(one, 'enc')
		}));
		for (const { jid, enc } of direct ? [{ jid: to, enc: direct }] : parts) {
			if (enc) {
				await this.#handOver(login, stanza, jid, enc);
			}
		}
	}

	/** @param {Login} login @param {Node} stanza @param {Answer} answer */
	async receipt(login, stanza, answer) {
		const { account, device } = login;
		const { id, to, type, recipient, participant } = stanza.attrs;
		answer(node('ack', { class: 'receipt', id, from: to, type, participant }));
		const author = this.people.find(to)?.who;
		const ids = [id, ...children(child(stanza, 'list')).map((one) => one.attrs.id)];
		for (const each of ids) {
			const sent = author?.sent[each];
			sent?.receipts.push({ type: type ?? 'delivered', at: new Date().toISOString() });
			if (type !== 'retry') {
				this.queue.acknowledge(device, keyOf('message', { id: each }));
			}
		}
		this.happened('receipt-by-device', { account: account.phone, to, recipient, ids, type: type ?? 'delivered' });
		if (type === 'retry' && author) {
			await this.toDevices.encryptAgain(author, account, device, stanza);
		}
	}

	/** @param {Login} login @param {Node} stanza */
	acknowledged({ device }, stanza) {
		const { class: tag, error } = stanza.attrs;
		const key = keyOf(tag, stanza.attrs);
		if (error) {
			this.queue.refuse(device, key);
		} else {
			this.queue.acknowledge(device, key);
		}
	}

	/** @param {Login} login @param {Node} stanza */
	typing({ account }, stanza) {
		const customer = this.people.find(stanza.attrs.to)?.who;
		if (customer instanceof Customer) {
			const state = children(stanza)[0]?.tag ?? 'paused';
			(customer.typing[account.phone] ??= []).push({ state, at: new Date().toISOString() });
			this.happened('typing', { account: account.phone, customer: customer.phone, state });
		}
	}

	/**
	 * Whether the account may not write to somebody who has not written to it.
	 *
	 * @param {Account} account
	 * @param {string} to
	 */
	#isLocked(account, to) {
		const customer = this.people.find(to)?.who;
		const isLocked = account.lockedUntil !== null && account.lockedUntil > unixNow();
		return (
			isLocked &&
			customer instanceof Customer &&
			!Object.values(customer.sent).some((one) => one.account === account.phone)
		);
	}

	/** @param {Login} login @param {Node} stanza @param {string} jid @param {Node} enc */
	async #handOver(login, stanza, jid, enc) {
		const found = this.people.find(jid);
		if (!found) {
			return;
		}
		const { who, device } = found;
		if (who instanceof Customer) {
			await this.#customerReads(who, login, stanza, enc);
		} else if (who === login.account && device === 0) {
			await this.#phoneReads(login, stanza, enc);
		} else if (who === login.account) {
			this.#passOn(login, stanza, device, enc);
		}
	}

	/** @param {Customer} customer @param {Login} login @param {Node} stanza @param {Node} enc */
	async #customerReads(customer, { account, device }, stanza, enc) {
		const { id, to } = stanza.attrs;
		const chat = to.replace(/:\d+@/, '@');
		try {
			if (customer.unreadable > 0) {
				customer.unreadable -= 1;
				throw new Error('told not to read it');
			}
			const message = await decrypted(customer, account, device, enc);
			delete customer.failed[id];
			const received = keep(customer.received, {
				id,
				account,
				customer,
				from: `device:${device.number}`,
				chat,
				message
			});
			this.happened('customer-received', {
				account: account.phone,
				customer: customer.phone,
				id,
				text: received.text
			});
			if (customer.isReachable) {
				this.toDevices.customerConfirms(account, received, 'delivered');
			}
		} catch (error) {
			this.happened('customer-cannot-read', { customer: customer.phone, id, why: String(error) });
			this.askAgain(customer, device, id, chat);
		}
	}

	/** The customer's phone wants a message once more. @param {Customer} customer @param {LinkedDevice} device @param {string} id @param {string} chat */
	askAgain(customer, device, id, chat) {
		const count = (customer.failed[id] ?? 0) + 1;
		customer.failed[id] = count;
		if (count > MOST_RETRIES) {
			return;
		}
		const bundle = customer.party.bundle();
		const t = unixNow();
		this.queue.push(
			device,
			node('receipt', { from: chat, id, type: 'retry', t }, [
				node('retry', { count, id, t, v: 1 }),
				node('registration', {}, bigEndian(bundle.registrationId, 4)),
				// The first try leaves it to the writer to ask the server for keys.
				...(count > 1 ? [retryKeysNode(bundle)] : [])
			])
		);
	}

	/** @param {Login} login @param {Node} stanza @param {Node} enc */
	async #phoneReads({ account, device }, stanza, enc) {
		const { id, to, category } = stanza.attrs;
		try {
			const message = await decrypted(account, account, device, enc);
			if (category === 'peer') {
				this.happened('phone-was-asked', { account: account.phone, id });
				return;
			}
			const copy = message.deviceSentMessage;
			const customer = this.people.find(copy?.destinationJid ?? to)?.who;
			if (customer instanceof Customer) {
				const from = `device:${device.number}`;
				keep(account.received, { id, account, customer, from, chat: to, message: copy?.message ?? message });
			}
		} catch (error) {
			this.happened('phone-cannot-read', { account: account.phone, id, why: String(error) });
		}
	}

	/**
	 * To another device of the same account, as it is.
	 *
	 * @param {Login} login
	 * @param {Node} stanza
	 * @param {number} number
	 * @param {Node} enc
	 */
	#passOn({ account, device }, stanza, number, enc) {
		const other = account.devices.get(number);
		if (!other || other === device) {
			return;
		}
		const { id, to, type } = stanza.attrs;
		const by = to.endsWith('@lid') ? 'lid' : 'phone';
		const identity = child(stanza, 'device-identity');
		const attrs = { from: account.jid(by, device.number), recipient: to, id, type, t: unixNow() };
		this.queue.push(other, node('message', attrs, identity ? [enc, identity] : [enc]));
	}
}

/**
 * @param {Account | Customer} reader
 * @param {Account} account
 * @param {LinkedDevice} device
 * @param {Node} enc
 */
async function decrypted(reader, account, device, enc) {
	const ciphertext = Buffer.from(/** @type {Uint8Array} */ (enc.content));
	const plain = await reader.party.decrypt(account.address(device.number), enc.attrs.type, ciphertext);
	return proto.Message.decode(unpadRandomMax16(plain));
}

/**
 * Enters a message into a phone's list; a phone shows one message for each id.
 *
 * @param {ReceivedMessage[]} list
 * @param {{ id: string, account: Account, customer: Customer, from: string, chat: string, message: proto.IMessage }} read
 */
function keep(list, { id, account, customer, from, chat, message }) {
	const earlier = list.find((one) => one.id === id && one.account === account.phone);
	if (earlier) {
		earlier.copies += 1;
		return earlier;
	}
	/** @type {ReceivedMessage} */
	const received = {
		id,
		account: account.phone,
		customer: customer.phone,
		from,
		text: textOf(message),
		kind: kindOf(message),
		replyTo: message.extendedTextMessage?.contextInfo?.stanzaId ?? null,
		chat,
		at: new Date().toISOString(),
		copies: 1,
		receipts: []
	};
	list.push(received);
	return received;
}

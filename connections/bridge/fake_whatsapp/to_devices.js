/** From customers and from the owner's phone to the linked devices of an account. */
import { randomBytes } from 'node:crypto';
import { encodeWAMessage } from 'baileys';
import { contentOf, kindOf, textOf } from './contents.js';
import { historyMessage } from './history.js';
import { readRetryBundle } from './key_bundles.js';
import { child, messageId, node, SERVER, stanzaId, unixNow } from './nodes.js';
import { Account } from './people.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./people.js').Customer} Customer
 * @typedef {import('./people.js').LinkedDevice} LinkedDevice
 * @typedef {import('./people.js').SentMessage} SentMessage
 * @typedef {import('./people.js').ReceivedMessage} ReceivedMessage
 * @typedef {import('./contents.js').Words & WrittenHow} Written
 * @typedef {object} WrittenHow
 * @property {import('./people.js').Addressing} [by] default `lid`
 * @property {boolean} [hidesPhone] by hidden number alone
 * @property {string} [id]
 * @property {number} [sentAt] unix seconds
 */

/** When so many are left, the device is told to upload more one-time keys. */
const FEW_PRE_KEYS = 4;

/** Addresses that are no person. */
const ELSEWHERE = {
	group: '120363000000000001@g.us',
	status: 'status@broadcast',
	broadcast: '1700000000@broadcast',
	newsletter: '120363000000000002@newsletter'
};

export class ToDevices {
	/**
	 * @param {import('./people.js').Directory} people
	 * @param {import('./queue.js').Queue} queue
	 * @param {import('./faults.js').Faults} faults
	 */
	constructor(people, queue, faults) {
		this.people = people;
		this.queue = queue;
		this.faults = faults;
		/** @type {WeakMap<Customer | Account, Promise<void>>} */
		this.turns = new WeakMap();
	}

	/**
	 * @param {Customer} customer
	 * @param {Account} account
	 * @param {Written} written
	 * @returns {Promise<SentMessage>}
	 */
	async customerWrites(customer, account, written) {
		const by = this.#addressing(written);
		const message = contentOf(written, account.jid(by));
		const sent = this.#sent(customer, account, { ...written, by }, message, encodeWAMessage(message));
		customer.sent[sent.id] = sent;
		account.received.push(seen(sent, 'customer', customer.jid(sent.by)));
		await this.#fanOut(customer, sent, account);
		return sent;
	}

	/**
	 * Written on the owner's phone: the devices see it as their own.
	 *
	 * @param {Account} account
	 * @param {Customer} customer
	 * @param {Written} written
	 */
	async ownerWrites(account, customer, written) {
		const by = this.#addressing(written);
		const message = contentOf(written, customer.jid(by));
		const isPlain = this.faults.quirks.ownMessages === 'plain';
		const copy = isPlain ? message : { deviceSentMessage: { destinationJid: customer.jid(by), message } };
		const sent = this.#sent(customer, account, { ...written, by }, message, encodeWAMessage(copy));
		account.sent[sent.id] = sent;
		account.received.push(seen(sent, 'phone', customer.jid(by)));
		customer.received.push(seen(sent, 'phone', account.jid(by)));
		await this.#fanOut(account, sent, account);
		return sent;
	}

	/**
	 * Something that is no chat between two: a client that keeps to chats must drop it unread.
	 *
	 * @param {Customer} customer
	 * @param {Account} account
	 * @param {keyof typeof ELSEWHERE} where
	 */
	customerPosts(customer, account, where) {
		const id = messageId();
		const attrs = {
			from: ELSEWHERE[where],
			participant: customer.jid('lid'),
			id,
			type: 'text',
			t: unixNow(),
			notify: customer.name
		};
		for (const device of account.devices.values()) {
			this.queue.push(device, node('message', attrs, [node('enc', { v: 2, type: 'skmsg' }, randomBytes(64))]));
		}
		return id;
	}

	/**
	 * @param {Customer} customer
	 * @param {Account} account
	 * @param {'composing' | 'paused'} state
	 * @param {import('./people.js').Addressing} by
	 */
	customerTypes(customer, account, state, by) {
		for (const device of account.devices.values()) {
			this.queue.connectionOf(device)?.send(node('chatstate', { from: customer.jid(by) }, [node(state)]));
		}
	}

	/**
	 * What a customer's phone says of a message: to the device that wrote it.
	 *
	 * @param {Account} account
	 * @param {ReceivedMessage} message
	 * @param {'delivered' | 'read'} type
	 */
	customerConfirms(account, message, type) {
		const device = account.devices.get(Number(message.from.replace('device:', '')));
		if (!device || message.receipts.includes(type)) {
			return;
		}
		message.receipts.push(type);
		const { receipts } = this.faults.quirks;
		const delivered = receipts === 'inactive' ? 'inactive' : undefined;
		const attrs = { from: message.chat, type: type === 'delivered' ? delivered : type, t: unixNow() };
		const list = [node('list', {}, [node('item', { id: message.id })])];
		this.queue.push(
			device,
			receipts === 'list'
				? node('receipt', { ...attrs, id: messageId() }, list)
				: node('receipt', { ...attrs, id: message.id })
		);
	}

	/**
	 * The phone tells a new device once what was before; a client holds back news until then.
	 *
	 * @param {Account} account
	 * @param {LinkedDevice} device
	 */
	async sendHistory(account, device) {
		if (device.hasHistory || !this.faults.quirks.sendsHistory) {
			return;
		}
		device.hasHistory = true;
		const plain = encodeWAMessage(historyMessage(account, this.people));
		// By hidden number, as the device knows its own from the first moment.
		const from = account.jid(this.#addressing({}));
		const attrs = { from, id: messageId(), type: 'text', category: 'peer', t: unixNow() };
		await this.#inTurn(account, async () => {
			const enc = await this.#encrypt(account, account, device, plain, 0);
			this.queue.push(device, node('message', attrs, [enc]));
		});
	}

	/**
	 * A device could not read a message: the phone that wrote it encrypts it again, in a new session
	 * when the device sent keys or asks for the second time.
	 *
	 * @param {Customer | Account} author
	 * @param {Account} account
	 * @param {LinkedDevice} device
	 * @param {Node} receipt
	 */
	async encryptAgain(author, account, device, receipt) {
		const sent = author.sent[receipt.attrs.id];
		if (!sent) {
			return;
		}
		const count = Number(child(receipt, 'retry')?.attrs.count ?? 1);
		const bundle = readRetryBundle(receipt) ?? (count > 1 ? account.deviceBundle(device) : undefined);
		await this.#inTurn(author, async () => {
			if (bundle) {
				await author.party.beginSession(account.address(device.number), bundle);
			}
			await this.#send(author, sent, account, device, count);
		});
	}

	/** @param {WrittenHow} how */
	#addressing({ by }) {
		return this.faults.quirks.hasLids ? (by ?? 'lid') : 'phone';
	}

	/**
	 * @param {Customer} customer
	 * @param {Account} account
	 * @param {WrittenHow} how
	 * @param {import('baileys').proto.IMessage} message
	 * @param {Uint8Array} plain
	 * @returns {SentMessage}
	 */
	#sent(customer, account, { by = 'lid', hidesPhone = false, id = messageId(), sentAt = unixNow() }, message, plain) {
		return {
			id,
			account: account.phone,
			customer: customer.phone,
			text: textOf(message),
			kind: kindOf(message),
			by,
			hidesPhone,
			sentAt,
			plain: Buffer.from(plain),
			receipts: []
		};
	}

	/** @param {Customer | Account} author @param {SentMessage} sent @param {Account} account */
	async #fanOut(author, sent, account) {
		for (const device of account.devices.values()) {
			await this.#inTurn(author, () => this.#send(author, sent, account, device, 0));
		}
	}

	/**
	 * One thing after the other for each phone: two messages at once would begin two sessions.
	 *
	 * @param {Customer | Account} author
	 * @param {() => Promise<void>} work
	 */
	async #inTurn(author, work) {
		const turn = (this.turns.get(author) ?? Promise.resolve()).then(work);
		this.turns.set(
			author,
			turn.catch(() => undefined)
		);
		await turn;
	}

	/**
	 * @param {Customer | Account} author
	 * @param {SentMessage} sent
	 * @param {Account} account
	 * @param {LinkedDevice} device
	 * @param {number} retry
	 */
	async #send(author, sent, account, device, retry) {
		const enc = await this.#encrypt(author, account, device, sent.plain, retry);
		if (this.faults.garbles(account.phone)) {
			const ciphertext = /** @type {Buffer} */ (enc.content);
			ciphertext[ciphertext.length - 1] ^= 0xff;
		}
		this.queue.push(device, node('message', this.#attrs(author, sent, account), [enc]));
	}

	/**
	 * @param {Customer | Account} author
	 * @param {Account} account
	 * @param {LinkedDevice} device
	 * @param {Uint8Array} plain
	 * @param {number} retry
	 */
	async #encrypt(author, account, device, plain, retry) {
		const address = account.address(device.number);
		if (!author.party.hasSession(address)) {
			await author.party.beginSession(address, account.deviceBundle(device));
			this.#askForPreKeys(device);
		}
		const { type, ciphertext } = await author.party.encrypt(address, plain);
		return node('enc', { v: 2, type, count: retry || undefined }, ciphertext);
	}

	/** @param {Customer | Account} author @param {SentMessage} sent @param {Account} account */
	#attrs(author, sent, account) {
		const { id, kind, by, hidesPhone, sentAt } = sent;
		const type = kind === 'text' ? 'text' : 'media';
		const common = { id, type, t: sentAt, notify: author.name, addressing_mode: by === 'lid' ? 'lid' : 'pn' };
		const other = by === 'lid' ? 'phone' : 'lid';
		const { hasLids, ownMessages } = this.faults.quirks;
		if (!(author instanceof Account)) {
			const alternative = hidesPhone || !hasLids ? undefined : author.jid(other);
			return {
				...common,
				from: author.jid(by),
				...(by === 'lid' ? { sender_pn: alternative } : { sender_lid: alternative })
			};
		}
		const customer = this.people.customer(sent.customer);
		const alternative = hidesPhone || !hasLids ? undefined : customer.jid(other);
		if (ownMessages === 'without_recipient') {
			return { ...common, from: account.jid(by) };
		}
		return {
			...common,
			from: account.jid(by),
			recipient: customer.jid(by),
			...(by === 'lid' ? { peer_recipient_pn: alternative } : { peer_recipient_lid: alternative })
		};
	}

	/** @param {LinkedDevice} device */
	#askForPreKeys(device) {
		if (device.preKeys.length === FEW_PRE_KEYS) {
			this.queue.push(
				device,
				node('notification', { from: SERVER, type: 'encrypt', id: stanzaId(), t: unixNow() }, [
					node('count', { value: device.preKeys.length })
				])
			);
		}
	}
}

/** @param {SentMessage} sent @param {'customer' | 'phone'} from @param {string} chat @returns {ReceivedMessage} */
function seen(sent, from, chat) {
	const { id, account, customer, text, kind } = sent;
	const at = new Date(sent.sentAt * 1000).toISOString();
	return { id, account, customer, from, text, kind, replyTo: null, chat, at, copies: 1, receipts: [] };
}

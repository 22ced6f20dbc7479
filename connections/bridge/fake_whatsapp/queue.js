/** What devices have not acknowledged: it is sent again after they come back. */
import { node, SERVER } from './nodes.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./people.js').LinkedDevice} LinkedDevice
 * @typedef {import('./connection.js').Connection} Connection
 */

/**
 * A receipt has the id of its message; so its type belongs to its name.
 *
 * @param {string} tag
 * @param {Record<string, string>} attrs
 */
export function keyOf(tag, { id, type }) {
	return tag === 'receipt' ? `receipt ${id} ${type ?? ''}` : `${tag} ${id}`;
}

export class Queue {
	/** @param {(device: LinkedDevice) => Connection | undefined} connectionOf */
	constructor(connectionOf) {
		this.connectionOf = connectionOf;
	}

	/**
	 * Sends now if the device is there, and keeps the stanza until the device acknowledges it. One
	 * with the same name takes the place of the earlier.
	 *
	 * @param {LinkedDevice} device
	 * @param {Node} stanza
	 */
	push(device, stanza) {
		const key = keyOf(stanza.tag, stanza.attrs);
		const earlier = device.pending.find((one) => one.key === key);
		if (earlier) {
			earlier.stanza = stanza;
			earlier.resent += 1;
		} else {
			device.pending.push({ key, stanza, resent: 0 });
		}
		const connection = this.connectionOf(device);
		if (connection?.isActive) {
			connection.send(stanza);
		}
	}

	/** @param {LinkedDevice} device @param {string} key */
	acknowledge(device, key) {
		device.pending = device.pending.filter((one) => one.key !== key);
	}

	/**
	 * The device could do nothing with a stanza. When it had asked for another encryption before it
	 * refused, the refusal is of the first one.
	 *
	 * @param {LinkedDevice} device
	 * @param {string} key
	 */
	refuse(device, key) {
		const entry = device.pending.find((one) => one.key === key);
		if (entry && entry.resent > 0) {
			entry.resent -= 1;
		} else {
			this.acknowledge(device, key);
		}
	}

	/**
	 * Sends all that was missed, marked as such, and says how much it was.
	 *
	 * @param {LinkedDevice} device
	 * @param {Connection} connection
	 * @param {import('./quirks.js').Quirks} quirks
	 */
	deliverMissed(device, connection, quirks) {
		const { pending } = device;
		connection.isActive = !quirks.waitsForBatch || pending.length === 0;
		if (pending.length) {
			const count = (/** @type {string} */ tag) => pending.filter((one) => one.stanza.tag === tag).length;
			connection.send(
				node('ib', { from: SERVER }, [
					node('offline_preview', {
						count: pending.length,
						message: count('message'),
						receipt: count('receipt'),
						notification: count('notification'),
						appdata: 0
					})
				])
			);
		}
		if (connection.isActive) {
			this.#sendAll(pending, connection, quirks);
		}
	}

	/**
	 * The device wants what it missed now, where it has to ask for that.
	 *
	 * @param {LinkedDevice} device
	 * @param {Connection} connection
	 * @param {import('./quirks.js').Quirks} quirks
	 */
	deliverBatch(device, connection, quirks) {
		if (!connection.isActive) {
			connection.isActive = true;
			this.#sendAll(device.pending, connection, quirks);
		}
	}

	/**
	 * @param {LinkedDevice['pending']} pending
	 * @param {Connection} connection
	 * @param {import('./quirks.js').Quirks} quirks
	 */
	#sendAll(pending, connection, quirks) {
		for (const [index, { stanza }] of pending.entries()) {
			connection.send({ ...stanza, attrs: { ...stanza.attrs, offline: String(index) } });
		}
		if (quirks.saysOffline) {
			connection.send(node('ib', { from: SERVER }, [node('offline', { count: pending.length })]));
		}
	}
}

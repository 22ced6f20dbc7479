/** Ways in which a server may differ that speaks the same protocol. A client should get along with all of them. */

const OPTIONS = {
	acks: ['plain', 'none', 'without_class'],
	refresh: ['type', 'child', 'iq'],
	ownMessages: ['device_sent', 'plain', 'without_recipient'],
	receipts: ['plain', 'inactive', 'list']
};

export class Quirks {
	/** Questions that get no answer, as `xmlns tag` (queries.js). @type {string[]} */
	unanswered = [];
	/** Acknowledgements of messages. @type {'plain' | 'none' | 'without_class'} */
	acks = 'plain';
	/** How a device that is being linked is told to choose a new secret. @type {'type' | 'child' | 'iq'} */
	refresh = 'type';
	/** How devices get what the owner wrote on the phone. @type {'device_sent' | 'plain' | 'without_recipient'} */
	ownMessages = 'device_sent';
	/** How a customer's phone says that it has a message. @type {'plain' | 'inactive' | 'list'} */
	receipts = 'plain';
	/** Whether there are hidden numbers. */
	hasLids = true;
	/** Whether a login is told its hidden number, where the linking has told it already. */
	repeatsLid = true;
	/** Whether the end of what was missed is said. */
	saysOffline = true;
	/** Whether what was missed comes only after the device asks for it in batches. */
	waitsForBatch = false;
	/** Whether a device that was just linked is asked to connect anew. */
	asksForRestart = true;
	/** Whether there are keys of the owner's own phone. */
	hasPhoneKeys = true;
	/** Whether the devices of an account that are told to one of them include itself. */
	listsAsker = true;
	/** Whether the owner's phone tells a new device what was before. */
	sendsHistory = true;
	/** Whether an answer about app state names what was asked for. */
	namesAppState = true;
	/** Whether a new device is content with a handful of one-time keys instead of 812. */
	hasFewKeys = false;
	/** Whether the server's own address is written without the sign before it. */
	hasBareAddress = false;
	/** Whether a login that was unlinked meanwhile is told so by a code. */
	saysCode = true;

	/** Throws `RangeError` for what is no quirk. @param {Record<string, unknown>} wanted */
	change(wanted) {
		for (const [name, value] of Object.entries(wanted)) {
			const before = /** @type {any} */ (this)[name];
			const choices = /** @type {Record<string, string[]>} */ (OPTIONS)[name];
			const isRight =
				name === 'unanswered'
					? Array.isArray(value) && value.every((one) => typeof one === 'string')
					: typeof before === typeof value && (!choices || choices.includes(String(value)));
			if (before === undefined || !isRight) {
				throw new RangeError(`"${name}" is no quirk, or not with this value`);
			}
		}
		Object.assign(this, wanted);
	}
}

/** What is written inside the encryption. */
import { proto } from 'baileys';

/**
 * @typedef {object} Words
 * @property {string} [text]
 * @property {string} [replyTo] id of a message that is quoted
 * @property {Record<string, unknown>} [message] any other content, as the JSON form of WhatsApp's `Message`
 */

/**
 * Throws a `RangeError` when there is nothing to say.
 *
 * @param {Words} words
 * @param {string} quotedFrom address of whoever wrote the quoted message
 * @returns {proto.IMessage}
 */
export function contentOf({ text, replyTo, message }, quotedFrom) {
	if (message) {
		try {
			return proto.Message.fromObject(message);
		} catch (error) {
			throw new RangeError(`"message" is none: ${error instanceof Error ? error.message : error}`);
		}
	}
	if (typeof text !== 'string' || text === '') {
		throw new RangeError('"text" or "message" is missing');
	}
	if (replyTo === undefined) {
		return { conversation: text };
	}
	const quotedMessage = { conversation: '...' };
	return {
		extendedTextMessage: { text, contextInfo: { stanzaId: replyTo, participant: quotedFrom, quotedMessage } }
	};
}

/** @param {proto.IMessage} message */
export function textOf(message) {
	const media = message.imageMessage ?? message.videoMessage ?? message.documentMessage;
	return message.conversation || message.extendedTextMessage?.text || media?.caption || '';
}

/** `text`, or the name of the field that holds the content: `imageMessage`, ... @param {proto.IMessage} message */
export function kindOf(message) {
	const besides = ['messageContextInfo', 'senderKeyDistributionMessage'];
	const name = Object.keys(message).find((one) => !besides.includes(one)) ?? 'unknown';
	return name === 'conversation' || name === 'extendedTextMessage' ? 'text' : name;
}

/** The command: wrong input gets a sentence and exit code 2, a taken port 1. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../fake_whatsapp/main.js', import.meta.url));

/** @param {string[]} words */
function run(...words) {
	const { status, stderr, stdout } = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8', timeout: 20_000 });
	return { status, stderr, stdout };
}

for (const [words, says] of /** @type {[string[], RegExp][]} */ ([
	[['--port', 'abc'], /--port must be a whole number/],
	[['--control-port', '70000'], /--control-port must be a whole number/],
	[['--account', 'Ada'], /PHONE=NAME/],
	[['--bogus'], /--bogus/]
])) {
	test(`${words.join(' ')} is told what is wrong`, () => {
		const { status, stderr } = run(...words);
		assert.equal(status, 2);
		assert.match(stderr, says);
		assert.doesNotMatch(stderr, /\n\s+at /);
	});
}

test('a port that is taken is named', async (t) => {
	const other = createServer();
	await new Promise((resolve) => other.listen(0, '127.0.0.1', () => resolve(undefined)));
	t.after(() => other.close());
	const { port } = /** @type {import('node:net').AddressInfo} */ (other.address());
	const { status, stderr } = run('--port', String(port));
	assert.equal(status, 1);
	assert.match(stderr, /port is taken/);
});

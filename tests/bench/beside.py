"""What a big workspace has beside its conversations, and the pages that show it (tests.bench.inbox)."""

ENTRIES, AUDITED, COUNTED = 5_000, 100_000, 1_000_000

# Answers with five other ways to ask each; an audit of years; a ledger of a year, in which
# each message is; files.
FILL = """
INSERT INTO faqs_entry (id, faq_id, question, answer, category, keywords, is_active, use_count,
    created_at, updated_at)
SELECT n, 'answer-' || n, 'Do you have ' || (ARRAY['lace','ankara','damask','adire','brocade'])[1 + n %% 5]
    || ' of design ' || n || '?', repeat('Yes, from 3,500 a yard. ', 8),
    (ARRAY['Prices','Delivery','Shop','Payment','Care','Returns','Sizes'])[1 + n %% 7], '',
    n %% 9 <> 0, n %% 40, now(), now() FROM generate_series(1, %(entries)s) n;
INSERT INTO faqs_phrasing (entry_id, text)
SELECT n, 'una get design ' || n || ' way ' || m
FROM generate_series(1, %(entries)s) n, generate_series(1, 5) m;
INSERT INTO workspaces_auditentry (workspace_id, actor_id, actor_kind, action, target, reason, correlation, at)
SELECT %(space)s, CASE WHEN n %% 3 > 0 THEN %(user)s::bigint END,
    CASE WHEN n %% 3 > 0 THEN 'member' ELSE 'system' END,
    (ARRAY['bot.switched','contact.blocked','export.deleted','member.added','connection.added'])[1 + n %% 5],
    'contact ' || n, '', '', now() - (%(audited)s - n) * interval '5 minutes'
FROM generate_series(1, %(audited)s) n;
INSERT INTO billing_usageevent (workspace_id, meter_id, quantity, subject, kind, occurred_at, day,
    connection_id, category, cost_currency, recorded_at)
SELECT %(space)s, CASE WHEN n %% 2 = 0 THEN %(sent)s ELSE %(received)s END, 1, n, 0,
    now() - n %% 365 * interval '1 day', (now() - n %% 365 * interval '1 day')::date, %(number)s, '', '', now()
FROM generate_series(1, %(counted)s) n;
INSERT INTO messaging_conversationexport (what, form, by_id, state, total, done, is_gathered, attempts,
    size, error, created_at, ended_at)
SELECT 'messages', 'csv', %(user)s, 'done', 1000000, 1000000, true, 0, 90000000, '', now(), now()
FROM generate_series(1, 20);
"""
PAGES = {
    "faqs": "/w/big/faqs/",
    "faqs_deep": "/w/big/faqs/?after=4321",
    "faqs_of_a_category": "/w/big/faqs/?category=Sizes",
    "faqs_search": "/w/big/faqs/?q=adire+4321",
    "faqs_search_nowhere": "/w/big/faqs/?q=quetzalcoatl",
    "usage": "/w/big/usage/",
    "usage_month_before": "/w/big/usage/?month={before}",
    "audit": "/w/big/settings/audit/",
    "audit_of_a_kind": "/w/big/settings/audit/?kind=bot",
    "audit_deep": "/w/big/settings/audit/?before={deep}",
    "exports": "/w/big/exports/",
    "quality": "/w/big/quality/",
    "numbers": "/w/big/connections/",
    "settings": "/w/big/settings/",
}

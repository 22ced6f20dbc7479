"""Pages of a workspace around its conversations; under /w/<slug>/."""

from django.urls import path

from messaging.views import (
    bot,
    contacts,
    conversations,
    exports,
    home,
    quality,
    quick,
    setup,
    trying,
    writing,
)
from workspaces.pages import by_method

app_name = "messaging"
urlpatterns = [
    path("", home.home_show, name="home-show"),
    path("home/unanswered/", home.home_unanswered, name="home-unanswered"),
    path("bot/switch/", bot.bot_switch, name="bot-switch"),
    path("phone/", by_method(get=home.phone_show, post=home.phone_begin), name="phone-show"),
    path("phone/forget/", home.phone_forget, name="phone-forget"),
    path(
        "try/", by_method(get=trying.question_form, post=trying.question_try), name="question-try"
    ),
    path("try/right/", trying.turn_keep, name="turn-keep"),
    path("try/fix/", trying.turn_fix, name="turn-fix"),
    path("try/many/", by_method(get=trying.batch_form, post=trying.batch_try), name="batch-try"),
    path("try/many/keep/", trying.batch_keep, name="batch-keep"),
    path("conversations/", conversations.conversation_list, name="conversation-list"),
    path("conversations/live/", conversations.conversation_live, name="conversation-live"),
    path("conversations/<int:pk>/", conversations.thread_show, name="thread-show"),
    path("conversations/<int:pk>/reply/", writing.thread_reply, name="thread-reply"),
    path("conversations/<int:pk>/seen/", conversations.thread_see, name="thread-see"),
    path("conversations/<int:pk>/note/", writing.thread_note, name="thread-note"),
    path("conversations/<int:pk>/picks/", writing.pick_list, name="pick-list"),
    path("conversations/<int:pk>/insert/", writing.pick_insert, name="pick-insert"),
    path("conversations/<int:pk>/take/", writing.conversation_take, name="conversation-take"),
    path("conversations/<int:pk>/assign/", writing.conversation_assign, name="conversation-assign"),
    path(
        "conversations/<int:pk>/give-back/",
        writing.conversation_give_back,
        name="conversation-give-back",
    ),
    path("messages/<int:pk>/undo/", writing.message_undo, name="message-undo"),
    path("messages/<int:pk>/retry/", writing.message_retry, name="message-retry"),
    path("notes/<int:pk>/delete/", writing.note_delete, name="note-delete"),
    path("contacts/<int:pk>/", contacts.contact_show, name="contact-show"),
    path("contacts/<int:pk>/name/", contacts.contact_rename, name="contact-rename"),
    path("contacts/<int:pk>/tag/", contacts.contact_tag, name="contact-tag"),
    path("contacts/<int:pk>/untag/", contacts.contact_untag, name="contact-untag"),
    path("contacts/<int:pk>/note/", contacts.contact_note, name="contact-note"),
    path("contacts/<int:pk>/block/", contacts.contact_block, name="contact-block"),
    path("contacts/<int:pk>/consent/", contacts.contact_consent, name="contact-consent"),
    path(
        "contacts/<int:pk>/data.csv", contacts.contact_export, {"kind": "csv"}, name="contact-csv"
    ),
    path(
        "contacts/<int:pk>/data.json",
        contacts.contact_export,
        {"kind": "json"},
        name="contact-json",
    ),
    path(
        "contacts/<int:pk>/erase/",
        by_method(get=contacts.contact_erase_form, post=contacts.contact_erase),
        name="contact-erase",
    ),
    path(
        "quick-answers/", by_method(get=quick.quick_list, post=quick.quick_add), name="quick-list"
    ),
    path(
        "quick-answers/<int:pk>/",
        by_method(get=quick.quick_edit, post=quick.quick_update),
        name="quick-edit",
    ),
    path("quick-answers/<int:pk>/delete/", quick.quick_delete, name="quick-delete"),
    path("why/<int:pk>/correct/", conversations.message_correct, name="message-correct"),
    path("quality/", quality.quality_show, name="quality-show"),
    path("quality/learnt/", quality.learnt_show, name="quality-learnt"),
    path("quality/questions/", quality.topic_list, name="quality-topics"),
    path("quality/questions/dismiss/", quality.topic_dismiss, name="quality-dismiss"),
    path("quality/answers/", quality.answers_show, name="quality-answers"),
    path("quality/answers/<int:pk>/phrasings/", quality.phrasings_add, name="quality-phrasings"),
    path(
        "quality/answers/<int:pk>/proposed/",
        by_method(get=quality.proposed_show, post=quality.proposed_ask),
        name="quality-proposed",
    ),
    path(
        "quality/answers/<int:pk>/merge/",
        by_method(get=quality.merge_form, post=quality.merge_confirm),
        name="quality-merge",
    ),
    path("quality/manner/", quality.manner_set, name="quality-manner"),
    path("setup/", setup.setup_show, name="setup-show"),
    path("setup/go-on/", setup.setup_go_on, name="setup-go-on"),
    path("setup/hide/", setup.setup_hide, name="setup-hide"),
    path("setup/finish/", setup.setup_finish, name="setup-finish"),
    path(
        "setup/business/",
        by_method(get=setup.business_form, post=setup.business_save),
        name="setup-business",
    ),
    path("setup/live/", by_method(get=setup.live_show, post=setup.live_begin), name="setup-live"),
    path("share/", setup.share_show, name="share-show"),
    path("why/", conversations.message_explain, name="message-explain"),
    path("settings/bot/", by_method(get=bot.bot_show, post=bot.bot_save), name="bot-settings"),
    path("settings/bot/preview/", bot.bot_preview, name="bot-preview"),
    path("settings/bot/publish/", bot.bot_publish, name="bot-publish"),
    path("settings/bot/discard/", bot.bot_discard, name="bot-discard"),
    path("settings/bot/try/", by_method(get=bot.draft_form, post=bot.draft_try), name="bot-try"),
    path(
        "settings/bot/versions/<int:number>/restore/", bot.version_restore, name="version-restore"
    ),
    path("settings/bot/phones/", bot.phone_add, name="test-phone-add"),
    path("settings/bot/phones/<int:pk>/remove/", bot.phone_remove, name="test-phone-remove"),
    path(
        "exports/",
        by_method(get=exports.export_list, post=exports.export_begin),
        name="export-list",
    ),
    path("exports/state/", exports.export_state, name="export-state"),
    path("exports/<int:pk>/file/", exports.export_file, name="export-file"),
    path("exports/<int:pk>/drop/", exports.export_drop, name="export-drop"),
]

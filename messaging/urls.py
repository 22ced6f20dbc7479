"""Pages of a workspace around its conversations; under /w/<slug>/."""

from django.urls import path

from messaging.views import bot, conversations, exports, home, quality, setup, trying
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
    path("conversations/rows/", conversations.conversation_rows, name="conversation-rows"),
    path("conversations/<int:pk>/", conversations.thread_show, name="thread-show"),
    path("conversations/<int:pk>/messages/", conversations.thread_messages, name="thread-messages"),
    path("conversations/<int:pk>/reply/", conversations.thread_reply, name="thread-reply"),
    path("conversations/<int:pk>/seen/", conversations.thread_see, name="thread-see"),
    path("conversations/<int:pk>/take/", conversations.conversation_take, name="conversation-take"),
    path(
        "conversations/<int:pk>/give-back/",
        conversations.conversation_give_back,
        name="conversation-give-back",
    ),
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

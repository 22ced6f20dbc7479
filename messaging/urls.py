"""Pages of a workspace around its conversations; under /w/<slug>/."""

from django.urls import path

from messaging.views import contacts, conversations, home, quality, quick, writing
from workspaces.pages import by_method

app_name = "messaging"
urlpatterns = [
    path("", home.home_show, name="home-show"),
    path("bot/switch/", home.bot_switch, name="bot-switch"),
    path("phone/", by_method(get=home.phone_show, post=home.phone_begin), name="phone-show"),
    path("phone/forget/", home.phone_forget, name="phone-forget"),
    path("try/", by_method(get=home.question_form, post=home.question_try), name="question-try"),
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
    path("why/", conversations.message_explain, name="message-explain"),
]

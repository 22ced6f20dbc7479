"""The start page and setting up a business; outside any workspace."""

from django.urls import path

from workspaces import views
from workspaces.pages import by_method
from workspaces.settings_views import audit, business, data, joining, security, team

app_name = "workspaces"
urlpatterns = [
    path("", views.workspace_list, name="workspace-list"),
    path(
        "workspaces/new/",
        by_method(get=views.workspace_new, post=views.workspace_create),
        name="workspace-new",
    ),
    path("workspaces/suggest/", views.slug_suggest, name="slug-suggest"),
    path("terms/", views.law_show, {"page": "terms"}, name="terms-show"),
    path("privacy/", views.law_show, {"page": "privacy"}, name="privacy-show"),
    path("data-processing/", views.law_show, {"page": "processing"}, name="processing-show"),
    path("acceptable-use/", views.law_show, {"page": "acceptable"}, name="acceptable-show"),
    path("help/", views.help_show, name="help-show"),
    path("robots.txt", views.robots_show, name="robots-show"),
    path("sitemap.xml", views.sitemap_show, name="sitemap-show"),
    path("w/<slug:slug>/settings/", views.settings_show, name="settings-show"),
    path("w/<slug:slug>/notices/<int:pk>/dismiss/", views.notice_dismiss, name="notice-dismiss"),
    path(
        "join/<slug:token>/",
        by_method(get=joining.join_show, post=joining.join_accept),
        name="join",
    ),
    path("w/<slug:slug>/settings/team/", team.team_show, name="team-show"),
    path("w/<slug:slug>/settings/team/<int:pk>/role/", team.member_role, name="member-role"),
    path(
        "w/<slug:slug>/settings/team/<int:pk>/remove/",
        by_method(get=team.member_part, post=team.member_remove),
        name="member-remove",
    ),
    path(
        "w/<slug:slug>/settings/team/leave/",
        by_method(get=team.leave_form, post=team.leave),
        name="team-leave",
    ),
    path("w/<slug:slug>/settings/team/invite/", team.invite, name="team-invite"),
    path(
        "w/<slug:slug>/settings/team/invitations/<int:pk>/resend/",
        team.invitation_resend,
        name="invitation-resend",
    ),
    path(
        "w/<slug:slug>/settings/team/invitations/<int:pk>/revoke/",
        team.invitation_revoke,
        name="invitation-revoke",
    ),
    path(
        "w/<slug:slug>/settings/team/invitations/<int:pk>/restore/",
        team.invitation_restore,
        name="invitation-restore",
    ),
    path(
        "w/<slug:slug>/settings/business/",
        by_method(get=business.business_show, post=business.business_change),
        name="business",
    ),
    path("w/<slug:slug>/settings/data/", data.data_show, name="data-show"),
    path("w/<slug:slug>/settings/data/export/", data.export_ask, name="export-ask"),
    path("w/<slug:slug>/settings/data/delete/", data.workspace_close, name="workspace-close"),
    path("w/<slug:slug>/settings/data/keep/", data.workspace_keep, name="workspace-keep"),
    path("exports/<int:pk>/", data.export_fetch, name="export-fetch"),
    path("w/<slug:slug>/settings/audit/", audit.audit_show, name="audit-show"),
    path("w/<slug:slug>/settings/audit/export/", audit.audit_export, name="audit-export"),
    path("account/security/", security.security_show, name="security-show"),
    path("account/name/", security.name_change, name="name-change"),
    path("account/devices/sign-out/", security.devices_end, name="devices-end"),
]

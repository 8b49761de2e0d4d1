"""The table of questions: everything that can be read, as page and by the API."""

from central.asking import alerts, audit, device, devices, exceptions, overview, servers
from central.core.access import Permission
from central.web.questions import Question

QUESTIONS = (
    Question(
        path="/",
        api="/overview",
        template="overview.html",
        params=overview.Span,
        answer=overview.overview,
        returns=overview.Overview,
        summary="The fleet at a glance",
    ),
    Question(
        path="/devices",
        template="devices.html",
        params=devices.DeviceSearch,
        answer=devices.search,
        returns=devices.DeviceList,
        rows="devices",
        row=devices.DeviceLine,
        summary="Find devices by hostname, serial number, user or id",
    ),
    Question(
        path="/devices/{device}",
        template="device.html",
        answer=device.device,
        returns=device.DeviceAnswer,
        summary="How a device stands, why, since when, and what is to be done",
    ),
    Question(
        path="/alerts",
        api="/alerts/open",
        template="alerts.html",
        params=alerts.AlertSearch,
        answer=alerts.alerts,
        returns=alerts.AlertList,
        rows="causes",
        row=alerts.CauseLine,
        summary="Open alerts by cause",
    ),
    Question(
        path="/alerts/{cause}",
        template="cause.html",
        answer=alerts.cause,
        returns=alerts.CauseAnswer,
        summary="One cause and the devices that it is on",
    ),
    Question(
        path="/exceptions",
        template="exceptions.html",
        answer=alerts.exceptions_made,
        returns=alerts.ExceptionList,
        rows="exceptions",
        row=exceptions.ExceptionRow,
        summary="Exceptions: what is suppressed, why, by whom, until when",
    ),
    Question(
        path="/servers",
        template="servers.html",
        params=servers.ServerSearch,
        answer=servers.servers_in_use,
        returns=servers.ServerList,
        rows="servers",
        row=servers.ServerSpread,
        summary="Servers in use by command or URL",
    ),
    Question(
        path="/servers/{server}",
        template="server.html",
        answer=servers.server,
        returns=servers.ServerAnswer,
        summary="One server and the devices that have it",
    ),
    Question(
        path="/audit",
        template="audit.html",
        permission=Permission.AUDIT,
        params=audit.AuditSearch,
        answer=audit.changes,
        returns=audit.AuditList,
        rows="changes",
        row=audit.AuditLine,
        summary="Who changed what",
    ),
)

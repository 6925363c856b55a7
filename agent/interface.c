/* The texts of the Varlink interfaces, ours made from doc/ when the agent is built, and who serves
 * which. */
#include "config.h"
#include "agent/interface.h"
#include "agent/refusal.h"

#include <string.h>

const char interface_agent[] =
#include "agent/interface_agent.inc"
    ;

const char interface_admin[] =
#include "agent/interface_admin.inc"
    ;

const char interface_service[] =
    "# What every Varlink service offers (https://varlink.org)\n"
    "interface org.varlink.service\n"
    "\n"
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, "
    "interfaces: []string)\n"
    "\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n";

#define SERVICE "org.varlink.service"

static const struct {
    const char *name;
    const char *text;
} interfaces[] = {
    {"io.hintsign.Agent", interface_agent},
    {"io.hintsign.Admin", interface_admin},
    {SERVICE, interface_service},
};

void interface_write_info(const char *own, struct text *out)
{
    text_put(
        out,
        "{\"vendor\":\"hintsign\",\"product\":\"hintsign-agent\",\"version\":\"" PACKAGE_VERSION
        "\",\"url\":\"\",\"interfaces\":[\"" SERVICE "\",\"");
    text_put(out, own);
    text_put(out, "\"]}");
}

int interface_write_description(const char *own, const char *name, struct text *out)
{
    if (strcmp(name, own) != 0 && strcmp(name, SERVICE) != 0)
        return REFUSAL_INTERFACE_NOT_FOUND;
    for (size_t i = 0; i < sizeof interfaces / sizeof interfaces[0]; i++) {
        if (strcmp(name, interfaces[i].name) != 0)
            continue;
        text_put(out, "{\"description\":");
        text_string(out, interfaces[i].text, strlen(interfaces[i].text));
        text_put(out, "}");
    }
    return 0;
}

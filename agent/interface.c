/* Carries the texts of the Varlink interfaces; ours are made from doc/ when the agent is built. */
#include "config.h"
#include "agent/interface.h"

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

/* Routes of the page: files compiled into the program, served from memory. */
#ifndef WEB_PAGE_API_H
#define WEB_PAGE_API_H

#include "web/route.h"

extern const struct route page_routes[];

/* The MIME type that a file's name means; "application/octet-stream" for what the page does not use. Pure. */
const char *page_type(const char *name);

#endif

"""The one script that stands in a page: it fetches the others once the page is painted.

On a slow line they would only delay what there is to read, and until they are there links and
forms do the same with a whole page. `load` comes first, since htmx waits for an event that is past
when it is fetched between the document's end and that.
"""

import base64
import hashlib

SCRIPT = (
    'addEventListener("load",()=>requestAnimationFrame(()=>setTimeout(()=>{'
    'for(const src of document.querySelector("meta[name=scripts]").content.split(" ")){'
    'const next=document.createElement("script");'
    "next.src=src;next.async=false;document.head.append(next)}})))"
)
# By which the pages' policy knows it; any other script that stands in a page is refused.
HASH = f"'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"

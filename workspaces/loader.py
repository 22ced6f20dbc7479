"""The one script that stands in a page: it fetches the others once the page is painted.

On a slow line they would only delay what there is to read, and until they are there links and
forms do the same with a whole page. `load` comes first, since htmx waits for an event that is past
when it is fetched between the document's end and that. Fields that are written in meanwhile count
as written in when htmx is there.
"""

import base64
import hashlib

SCRIPT = (
    'let early=new Set;addEventListener("input",({target})=>early&&early.add(target));'
    'addEventListener("htmx:load",()=>{early.forEach(field=>{'
    'const form=field.closest("form[hx-trigger*=submit]");if(form)form.requestSubmit();'
    'else["input","change"].forEach(kind=>field.dispatchEvent(new Event(kind,{bubbles:true})))});'
    "early=null},{once:true});"
    'addEventListener("load",()=>requestAnimationFrame(()=>setTimeout(()=>{'
    'for(const src of document.querySelector("meta[name=scripts]").content.split(" ")){'
    'const next=document.createElement("script");'
    "next.src=src;next.async=false;document.head.append(next)}})))"
)
# By which the pages' policy knows it; any other script that stands in a page is refused.
HASH = f"'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"

"""The one script that stands in a page: it fetches the others once the page is painted.

On a slow line they would only delay what there is to read, and until they are there links and
forms do the same with a whole page. `load` comes first, since htmx waits for an event that is past
when it is fetched between the document's end and that; then the browser's word that the page is
painted. Half a second later they are fetched in any case: some browsers give no such word, and
none does in a tab that nobody sees. Fields that are written in meanwhile count as written in when
htmx is there.
"""

import base64
import hashlib

# What happened in fields meanwhile is told again, and nothing else: who is in the middle of a word
# has not changed the field yet. A form that htmx sends while one types is sent once. (`data-all`
# would tick again what was unticked since.)
SCRIPT = (
    'let early=new Map;["input","change"].forEach(kind=>addEventListener(kind,({target})=>'
    "early&&early.set(target,{...early.get(target),[kind]:1})));"
    'addEventListener("htmx:load",()=>{const told=early,forms=new Set;early=null;'
    'told.forEach((kinds,field)=>{const form=field.closest("form[hx-trigger*=submit]");'
    "if(form)forms.add(form);else if(!field.dataset.all)for(const kind in kinds)"
    "field.dispatchEvent(new Event(kind,{bubbles:true}))});"
    'forms.forEach(form=>form.dispatchEvent(new Event("submit",{bubbles:true,cancelable:true})))},'
    "{once:true});"
    'addEventListener("load",()=>{let isOn=false;const go=()=>{if(isOn)return;isOn=true;'
    'for(const src of document.querySelector("meta[name=scripts]").content.split(" ")){'
    'const next=document.createElement("script");'
    "next.src=src;next.async=false;document.head.append(next)}};setTimeout(go,500);"
    'try{new PerformanceObserver(go).observe({type:"largest-contentful-paint",buffered:true})}'
    "catch{}})"
)
# By which the pages' policy knows it; any other script that stands in a page is refused.
HASH = f"'sha256-{base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()}'"

// Passkeys: a form with data-passkey asks the browser for one, then is sent with what it said.
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const make = async (asked) => {
    const options = {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: known(asked.excludeCredentials),
      // It signs in by itself: kept on the device, and the person shows that it is them.
      authenticatorSelection: {
        ...asked.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required",
      },
    };
    const { rawId, response, ...made } = await credential("create", options);
    return {
      ...made, rawId: text(rawId),
      response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) },
    };
  };

  const show = async (asked) => {
    const options = { ...asked, challenge: bytes(asked.challenge), allowCredentials: known(asked.allowCredentials) };
    const { rawId, response, ...shown } = await credential("get", options);
    return {
      ...shown, rawId: text(rawId),
      response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : null,
      },
    };
  };

  const credential = async (verb, publicKey) => {
    const found = await navigator.credentials[verb]({ publicKey });
    return {
      id: found.id, type: found.type, rawId: found.rawId, response: found.response,
      clientExtensionResults: found.getClientExtensionResults(),
    };
  };

  const options = async (form) => {
    const written = document.getElementById("passkey-options");
    if (written) return JSON.parse(written.textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
    return answer.json();
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-passkey]")) return;
    event.preventDefault();
    const problem = form.querySelector("[data-problem]");
    problem.hidden = true;
    try {
      const { creation_options: making, request_options: asking } = await options(form);
      const said = making ? await make(making.publicKey) : await show(asking.publicKey);
      form.elements.credential.value = JSON.stringify(said);
      form.submit();
    } catch (error) {
      problem.textContent = error.name === "InvalidStateError"
        ? "This device has a passkey for Backroom already."
        : "No passkey was used. Try again, or go on another way.";
      problem.hidden = false;
    }
  });
})();

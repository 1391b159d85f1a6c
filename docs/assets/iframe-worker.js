/* Search of a site that is read from disk: browsers start no worker there, so the worker's
   script runs in a hidden frame of the page.  On a server nothing is changed. */
"use strict";

if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = null;
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.documentElement.append(frame);
      this.inside = frame.contentWindow;
      const inside = this.inside;
      inside.importScripts = (...urls) => Promise.all(urls.map((one) => load(inside, one)));
      // What the worker says goes to the page, what the page says to the worker.
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      load(inside, url).then(() => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting.forEach((data) => this.tell(data));
      });
      this.addEventListener("message", (event) => this.onmessage && this.onmessage(event));
    }

    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.tell(data);
    }

    tell(data) {
      this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data }));
    }

    terminate() {
      this.inside.frameElement.remove();
    }
  };

  function load(inside, url) {
    return new Promise((done, failed) => {
      const script = inside.document.createElement("script");
      script.src = url;
      script.onload = done;
      script.onerror = failed;
      inside.document.documentElement.append(script);
    });
  }
}

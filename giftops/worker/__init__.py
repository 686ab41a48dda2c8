"""The hardened worker: a django-q2 cluster that cannot hang unnoticed or outlive its parent.

    manage.py worker            the watch: sweeps, and looks whether work flows
      └── manage.py worker --pool   the cluster's main process, in a session of its own
            └── sentinel            django-q2's guard
                  ├── pusher        broker → pool
                  ├── worker …      run the jobs
                  └── monitor       acknowledges

Left alone, django-q2 1.11 goes on unguarded when its sentinel is killed, leaves orphans when its
main process is, and stops for ever, looking alive, when an idle worker is killed while it holds
the queue's lock. Here every process dies with its parent, a test task travels through pusher,
worker and monitor every few seconds, and when one of these fails the watch kills the whole pool
and ends with exit status 1 so that whoever started it starts it again. Killing is safe at any
moment: the truth is in the job table.
"""

"""What customers ask and what they are told."""

import os

# One thread for the products of matrices, said before numpy is loaded. Of small ones a second
# thread makes nothing faster: it waits for its share on a core of its own, at full speed, and a
# house whose cores are busy answered at half the rate.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

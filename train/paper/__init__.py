"""The paper on its own data: read CICIoMT2024, train its two networks, tell what the table is worth.

The paper is "An Improved CNN-LSTM Based Intrusion Detection System for IoT Networks" (arXiv 2606.05776),
which builds on "Securing Healthcare with Deep Learning" (ICIS 2024). Where its text is silent, the code its
authors published decides. Start reading at `run`.
"""

"""BibTeX of the backbones and of the ways to adapt them."""

WAV2VEC2 = """@inproceedings{baevski2020wav2vec,
  title = {wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations},
  author = {Baevski, Alexei and Zhou, Yuhao and Mohamed, Abdelrahman and Auli, Michael},
  booktitle = {Advances in Neural Information Processing Systems}, year = {2020}
}"""
HUBERT = """@article{hsu2021hubert,
  title = {{HuBERT}: Self-Supervised Speech Representation Learning by Masked Prediction of Hidden Units},
  author = {Hsu, Wei-Ning and Bolte, Benjamin and Tsai, Yao-Hung Hubert and others},
  journal = {IEEE/ACM Transactions on Audio, Speech, and Language Processing}, volume = {29}, year = {2021}
}"""
WAVLM = """@article{chen2022wavlm,
  title = {{WavLM}: Large-Scale Self-Supervised Pre-Training for Full Stack Speech Processing},
  author = {Chen, Sanyuan and Wang, Chengyi and Chen, Zhengyang and others},
  journal = {IEEE Journal of Selected Topics in InputSpec Processing}, volume = {16}, number = {6}, year = {2022}
}"""
WHISPER = """@inproceedings{radford2023whisper,
  title = {Robust Speech Recognition via Large-Scale Weak Supervision},
  author = {Radford, Alec and Kim, Jong Wook and Xu, Tao and others},
  booktitle = {International Conference on Machine Learning}, year = {2023}
}"""
LORA = """@inproceedings{hu2022lora,
  title = {{LoRA}: Low-Rank Adaptation of Large Language Models},
  author = {Hu, Edward J. and Shen, Yelong and Wallis, Phillip and others},
  booktitle = {International Conference on Learning Representations}, year = {2022}
}"""
BOTTLENECK = """@inproceedings{houlsby2019parameter,
  title = {Parameter-Efficient Transfer Learning for {NLP}},
  author = {Houlsby, Neil and Giurgiu, Andrei and Jastrzebski, Stanislaw and others},
  booktitle = {International Conference on Machine Learning}, year = {2019}
}"""
DATA2VEC = """@inproceedings{baevski2022data2vec,
  title = {data2vec: A General Framework for Self-supervised Learning in Speech, Vision and Language},
  author = {Baevski, Alexei and Hsu, Wei-Ning and Xu, Qiantong and Babu, Arun and Gu, Jiatao and Auli, Michael},
  booktitle = {International Conference on Machine Learning}, year = {2022}
}"""
